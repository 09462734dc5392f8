/** Framing of ISO 8583 messages on a TCP stream: two bytes of length, most significant first, then the message. */
import { InterchangeError } from './interchange-error.ts';

const HEADER_LENGTH = 2;

/** @throws InterchangeError `FRAME_MALFORMED` for an empty message or one beyond 65535 bytes. */
export function encodeFrame(message: Uint8Array): Uint8Array {
  if (message.length === 0 || message.length > 0xffff) {
    throw new InterchangeError('FRAME_MALFORMED', `a frame cannot carry ${message.length} bytes`);
  }
  const frame = new Uint8Array(HEADER_LENGTH + message.length);
  frame[0] = message.length >> 8;
  frame[1] = message.length & 0xff;
  frame.set(message, HEADER_LENGTH);
  return frame;
}

export interface FrameReader {
  /** The messages that the chunk completes. @throws InterchangeError `FRAME_MALFORMED`; the stream is then of no more use. */
  push(chunk: Uint8Array): readonly Uint8Array[];
  /** Whether a message has begun and not ended. */
  readonly midway: boolean;
}

/** Holds at most one message that is not complete, of at most `maxBytes`. */
export function createFrameReader(maxBytes: number): FrameReader {
  let rest: Uint8Array = new Uint8Array();
  return {
    push(chunk) {
      const whole = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const messages: Uint8Array[] = [];
      let offset = 0;
      while (whole.length - offset >= HEADER_LENGTH) {
        const length = (whole[offset]! << 8) | whole[offset + 1]!;
        if (length === 0 || length > maxBytes) {
          throw new InterchangeError('FRAME_MALFORMED', `a frame announces ${length} bytes`);
        }
        const end = offset + HEADER_LENGTH + length;
        if (end > whole.length) break;
        messages.push(new Uint8Array(whole.subarray(offset + HEADER_LENGTH, end)));
        offset = end;
      }
      rest = new Uint8Array(whole.subarray(offset));
      return messages;
    },
    get midway() {
      return rest.length > 0;
    },
  };
}
