/** The merchant's SET endpoint: what arrives at `POST /set`, checked and handed to the merchant machine. */
import { toHex } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import type { CertifiedKey } from '../message/certified-key.ts';
import { createEndpoint, type Endpoint, type EndpointOptions, type MessageHandler } from '../message/endpoint.ts';
import type { Message } from '../message/message-wrapper.ts';
import type { DateWindow } from '../message/receive.ts';
import type { Trust } from '../message/trust.ts';
import { receivePInitReq } from './answer-initiation.ts';
import type { MerchantInput } from './merchant-input.ts';
import type { MerchantBrands } from './merchant-keys.ts';
import { type FinishedOrder, type MerchantRecord, type MerchantState, xidKey } from './order.ts';
import { receiveInqReq } from './receive-inquiry.ts';
import { receivePReq } from './receive-purchase.ts';

/** The part of the merchant's host that is used here. */
export interface MerchantHost extends MessageHandler<MerchantInput> {
  readonly state: Readonly<MerchantState>;
  readByKey(key: string): Promise<readonly MerchantRecord[]>;
}

export interface MerchantEndpointOptions {
  readonly host: MerchantHost;
  readonly brands: MerchantBrands;
  readonly trust: Trust;
  readonly window: DateWindow;
  /** Signs Errors about messages that name no brand. */
  readonly signer: CertifiedKey;
  readonly nowMs: () => number;
  readonly random: Random;
  readonly onRefusal: EndpointOptions<MerchantInput>['onRefusal'];
}

export function createMerchantEndpoint(options: MerchantEndpointOptions): Endpoint {
  const { host, brands, trust } = options;
  return createEndpoint<MerchantInput>({
    ...options,
    requests: ['PInitReq', 'PReq', 'InqReq'],
    final: ['PReq'],
    direction: 'merchantToCardholder',
    refuse: (refusal) => ({ type: 'refuse', refusal }),
    read(message, { messageId, atMs }) {
      const context = { brands, trust, atMs };
      if (message.message.type === 'PInitReq') return { type: 'initiate', request: receivePInitReq(message) };
      if (message.message.type === 'PReq') {
        return { type: 'purchase', messageId, purchase: receivePReq(message, context) };
      }
      return readInquiry(message, context, host);
    },
  });
}

/** Finished orders are not in memory: what the journal knows of one comes with the inquiry. */
async function readInquiry(
  message: Message,
  context: Parameters<typeof receiveInqReq>[1],
  { state, readByKey }: MerchantHost,
): Promise<MerchantInput> {
  const inquiry = receiveInqReq(message, context);
  const xid = toHex(inquiry.data.transIds.xid);
  const known = state.xids.has(xid) || state.recent.has(xid);
  const records = known ? [] : await readByKey(xidKey(xid));
  return { type: 'inquire', inquiry, finished: finishedIn(records, xid) };
}

function finishedIn(records: readonly MerchantRecord[], xid: string): FinishedOrder | undefined {
  const found = records.find((record) => record.type === 'finished' && record.finished.initiation?.xid === xid);
  return found?.type === 'finished' ? found.finished : undefined;
}
