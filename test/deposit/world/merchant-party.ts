/** A merchant in the world of deposits: its machine, its till, and the doors it has for customers and for its operator. */
import { decodeCbor, encodeCbor } from '../../../src/codec/cbor.ts';
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import type { MerchantInput } from '../../../src/deposit/merchant/merchant-input.ts';
import { createDepositMerchant } from '../../../src/deposit/merchant/merchant-machine.ts';
import type { MerchantRecord, MerchantState } from '../../../src/deposit/merchant/merchant-session.ts';
import { receiveTerminate } from '../../../src/deposit/merchant/receive-from-customer.ts';
import {
  type OperatorKeys,
  receiveConclude,
  receiveInformation,
  receiveStatement,
} from '../../../src/deposit/merchant/receive-from-operator.ts';
import { createTill, type Till } from '../../../src/deposit/merchant/till.ts';
import { concludeType, statementType, terminateType } from '../../../src/deposit/message/conclusion.ts';
import { DepositError } from '../../../src/deposit/message/deposit-error.ts';
import { informationType } from '../../../src/deposit/message/initiation.ts';
import type { Host } from '../../../src/journal/host.ts';
import type { Machine, Outgoing } from '../../../src/journal/machine.ts';
import type { RunningLife, World, WorldMachine } from '../../world/simulation.ts';
import { type MerchantRole, merchants, signerOf, storageKeyOf, urlOf, validate } from './cast.ts';
import { type Plan, paceAt } from './plan.ts';
import { remembering } from './remembering.ts';
import type { Truth } from './truth.ts';

export type MerchantHost = Host<MerchantState, MerchantInput, MerchantRecord>;
export type MerchantMachine = Machine<MerchantState, MerchantInput, MerchantRecord>;

export interface MerchantParty {
  readonly role: MerchantRole;
  readonly machine: WorldMachine<MerchantState, MerchantInput, MerchantRecord>;
  readonly records: readonly MerchantRecord[];
  /** Ends a deposit by the merchant's own will. */
  end(transaction: string): void;
}

/** What a dishonest merchant does otherwise. */
export interface MerchantLies {
  readonly alter?: (machine: MerchantMachine) => MerchantMachine;
  /** Refuses what it has taken. */
  readonly withholds?: () => boolean;
  /** Shows others what its operator told it. */
  readonly passesOn?: boolean;
}

/** A purchase as it comes over the wire: what is asked for says its price. */
export interface PurchaseMessage {
  readonly transaction: string;
  readonly token: Uint8Array;
  readonly checkpoint: Uint8Array | null;
  readonly request: Uint8Array;
}

export const purchaseKind = 'purchase';
export const encodePurchaseMessage = (message: PurchaseMessage) => encodeCbor({ ...message });

const SNAPSHOT_EVERY = 5;

export function addMerchant(
  world: World,
  role: MerchantRole,
  { plan, truth, lies }: { readonly plan: Plan; readonly truth: Truth; readonly lies: MerchantLies },
): MerchantParty {
  const { name } = role;
  const storageKey = storageKeyOf(name);
  const unit = { currency: role.currency, nano: plan.unitNano.get(name)! };
  const records: MerchantRecord[] = [];
  const options = {
    signer: signerOf(name),
    operatorUrl: urlOf(role.operator.name),
    url: urlOf(name),
    unit,
    storageKey,
  };
  const machine = world.addMachine<MerchantState, MerchantInput, MerchantRecord>(
    name,
    () => {
      const honest = createDepositMerchant(options);
      let till: Till;
      let life: RunningLife;
      return {
        machine: remembering(lies.alter?.(honest) ?? honest, records),
        arrived() {
          throw new Error('what comes from outside comes through a door');
        },
        started(host: MerchantHost, running: RunningLife) {
          life = running;
          const { clock } = running;
          // Lost packets come again after two seconds here: those that overtook them have to wait for that.
          till = createTill({ host, clock, storageKey, windowMs: 8000 });
        },
        serve(host: MerchantHost, message: Outgoing) {
          if (message.kind === purchaseKind) return sell(message, till);
          if (lies.passesOn === true && message.kind === informationType.name) passOn(message, life);
          return takeMessage(message, { till, host, keys, nowMs: world.clock.nowMs() });
        },
        snapshotEvery: SNAPSHOT_EVERY,
        pace: paceAt(world.clock.nowMs(), plan),
      };
    },
    { routes: [`${urlOf(name)}/`] },
  );

  const passed = new Set<string>();
  const passOn = (message: Outgoing, { deliver }: RunningLife) => {
    // Two who pass on what the other passed on would never come to an end.
    const digest = toHex(sha256(message.body));
    if (passed.has(digest)) return;
    passed.add(digest);
    for (const other of merchants) {
      const to = message.to.replace(urlOf(name), urlOf(other.name));
      if (other !== role) deliver({ ...message, to }).catch(() => undefined);
    }
  };
  const keys: OperatorKeys = { merchant: name, operator: role.operator.name, validate };
  const sell = async ({ body }: Outgoing, till: Till): Promise<Uint8Array> => {
    const { transaction, token, checkpoint, request } = decodeCbor(body) as unknown as PurchaseMessage;
    const price = plan.prices.get(toHex(request));
    if (price?.merchant !== name) throw new DepositError('DEPOSIT_REFUSED', 'nothing of the kind is sold here');
    if (checkpoint !== null) await till.checkpoint(transaction, checkpoint);
    const item = { units: price.units, unitNano: unit.nano, request };
    const { number, repeated } = await till.purchase(transaction, token, item);
    truth.serve(transaction, number, item);
    if (lies.withholds?.()) throw new DepositError('DEPOSIT_REFUSED', 'nothing was paid, says the merchant');
    return encodeCbor([number, repeated]);
  };
  return {
    ...{ role, machine, records },
    end(transaction) {
      void machine.insist({ type: 'conclude', transaction, ending: 'closed' }).catch((cause: unknown) => {
        if (!(cause instanceof DepositError)) throw cause;
      });
    },
  };
}

/** As `party/merchant/paid-routes.ts` does. */
async function takeMessage(
  { kind, body }: Outgoing,
  given: { readonly till: Till; readonly host: MerchantHost; readonly keys: OperatorKeys; readonly nowMs: number },
): Promise<Uint8Array> {
  const { till, host, keys, nowMs } = given;
  const digest = sha256(body);
  switch (kind) {
    case informationType.name: {
      const input = receiveInformation(body, keys, nowMs);
      return host.handle({ messageId: `information:${input.information.transaction}`, digest, input });
    }
    case concludeType.name: {
      const input = receiveConclude(body, keys, nowMs);
      await till.settled(input.transaction);
      return host.handle({ messageId: `conclude:${input.transaction}`, digest, input });
    }
    case statementType.name: {
      const input = receiveStatement(body, keys, nowMs);
      return host.handle({ messageId: `statement:${input.transaction}`, digest, input });
    }
    case terminateType.name: {
      const input = receiveTerminate(body, host.state);
      await till.settled(input.transaction);
      return host.handle({ messageId: `terminate:${input.transaction}:${toHex(digest)}`, digest, input });
    }
    default:
      throw new DepositError('DEPOSIT_REFUSED', `no door for ${kind}`);
  }
}
