/**
 * What an agent has under way with a payment port (`../message/payment-port.ts`): it begins before the transaction can be decided and is over
 * when the port has acknowledged how that ended, whatever became of the session, so a crash on any side finds it again.
 */
import { fromHex } from '../../codec/hex.ts';
import { importCompactKey } from '../../crypto/compact-key.ts';
import { signCommitment } from '../message/commitment.ts';
import { openToNetwork, type PortRequest, plainToPort, sealToPort } from '../message/payment-port.ts';
import type { Dealing } from './agent-state.ts';
import { ownKey, type Turn } from './turn.ts';

const portMessageId = ({ transaction, number }: Dealing) => `port/${transaction}/${number}`;

interface Asking {
  readonly step?: Dealing['step'];
  /** How long the port may take, in milliseconds; for ever if not said. */
  readonly forMs?: number;
}

/** Says the next thing to the port; whatever was said before and is not answered yet counts no more. */
export function tellPort(turn: Turn, dealing: Dealing, request: PortRequest, asking: Asking = {}): void {
  const { draft, env } = turn;
  const { step = dealing.step, forMs } = asking;
  if (dealing.number > 0) draft.cancel.push(portMessageId(dealing));
  const next: Dealing = { ...dealing, number: dealing.number + 1, step };
  draft.records.push({ type: 'dealing', dealing: next });
  draft.send.push({
    ...{ id: portMessageId(next), to: `port:${next.port}`, kind: `payment-${request.type}` },
    body: written(turn, next, request),
    ...(forMs === undefined ? {} : { expiresAtMs: env.nowMs + forMs }),
  });
}

function written({ env, settings }: Turn, dealing: Dealing, request: PortRequest): Uint8Array {
  const { key, sealed, way, number } = dealing;
  const { random } = env;
  const place = { transaction: fromHex(dealing.transaction), number };
  if (sealed) return sealToPort(place, request, { key, random });
  if (way === 'module') return plainToPort(place, request);
  // Each carries the key: what is aborted before the network has heard of it must not be authorised afterwards.
  const network = importCompactKey(settings.payment.card!.networkKey);
  return openToNetwork(place, request, { key, network, random });
}

/** As this very decision leaves it. */
function dealingOf({ state, draft }: Turn, transaction: string): Dealing | undefined {
  const record = draft.records.findLast((one) => one.type === 'dealing' && one.dealing.transaction === transaction);
  return record?.type === 'dealing' ? record.dealing : state.dealings.get(transaction);
}

/** The transaction has ended: the port does its part or undoes it. */
export function endDealing(turn: Turn, transaction: string, how: 'commit' | 'abort'): void {
  const dealing = dealingOf(turn, transaction);
  if (dealing === undefined || dealing.step === 'over') return;
  const proof = (): PortRequest => ({
    ...{ type: 'commit', proof: signCommitment(fromHex(transaction), ownKey(turn).privateKey) },
  });
  tellPort(turn, dealing, how === 'commit' ? proof() : { type: 'abort' }, { step: 'over' });
}
