/** One connection of a stream, at either end: frames and bytes over a WebSocket, a watch on peers that went silently, a close that ends. */
import { WebSocket } from 'ws';
import {
  type CustomerFrame,
  formatFrame,
  MAX_FRAME_BYTES,
  type MerchantFrame,
  type StreamMessage,
} from './stream-frame.ts';
import { WINDOW_BYTES } from './stream-outbox.ts';

/** RFC 6455 section 7.4.1. */
export const CLOSED_NORMALLY = 1000;
export const CLOSED_FOR_VIOLATION = 1008;
export const CLOSED_FOR_FAULT = 1011;
/** Whoever closes so does not want to see more of the stream: nothing is gained by coming back. */
const FINAL: readonly number[] = [1002, 1003, 1007, CLOSED_FOR_VIOLATION, 1009, 1010];

/** What every WebSocket here is made with. Compression would let the length of what is sent tell about its content. */
export const wireOptions = {
  maxPayload: MAX_FRAME_BYTES,
  perMessageDeflate: false,
  skipUTF8Validation: false,
} as const;

export interface StreamWire {
  frame(frame: CustomerFrame | MerchantFrame): void;
  /** As encoded. */
  message(message: StreamMessage): void;
  /** With the handshake; cut off when the other end does not answer it. */
  close(code: number): void;
  /** The other end is to close it, and soon. */
  expectClose(): void;
}

export interface WireEvents {
  text(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** Once. `final`: the other end, or what it sent, makes another connection useless. */
  closed(closed: { readonly code: number; readonly final: boolean }): void;
}

const PING_MS = 15_000;
const CLOSE_MS = 2000;
/** Whoever reads nothing is sent no answers either: what may be under way, and as much again in frames. */
const MAX_UNSENT_BYTES = 2 * WINDOW_BYTES;

export function openWire(socket: WebSocket, events: WireEvents): StreamWire {
  let alive = true;
  const pulse = setInterval(() => {
    if (!alive) {
      socket.terminate();
      return;
    }
    alive = false;
    socket.ping();
  }, PING_MS);
  pulse.unref();
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('message', (data: Buffer, isBinary) => {
    alive = true;
    if (isBinary) events.bytes(new Uint8Array(data));
    else events.text(data.toString());
  });
  // The close that follows says what there is to say; 1009 for what was too large.
  let refused = 0;
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') refused = 1009;
    else if (error.code?.startsWith('WS_ERR_')) refused = 1002;
  });
  socket.once('close', (code: number) => {
    clearInterval(pulse);
    const said = refused === 0 ? code : refused;
    events.closed({ code: said, final: FINAL.includes(said) });
  });

  const send = (data: StreamMessage) => {
    if (socket.readyState !== WebSocket.OPEN) return; // told by `closed`
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.terminate();
    else socket.send(data);
  };
  const close = (code: number) => {
    socket.close(code);
    setTimeout(() => socket.terminate(), CLOSE_MS).unref();
  };
  return {
    frame: (frame) => send(formatFrame(frame)),
    message: send,
    close,
    expectClose: () => void setTimeout(() => close(CLOSED_NORMALLY), CLOSE_MS).unref(),
  };
}
