/** How messages come to a role: each kind has a way of being checked before the role's machine hears of it. */
import { encodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import type { Routes } from '../../transport/route.ts';
import { TransportError } from '../../transport/transport-error.ts';
import { DeliveryError } from './delivery-error.ts';
import type { SettlementProof } from './settlement-proof.ts';
import type { Party } from './signed-by.ts';

type Named = Pick<MessageType<unknown>, 'name'>;

/** Bytes in, bytes out. @throws HandselError */
export type Endpoint = (bytes: Uint8Array) => Promise<Uint8Array>;

/** By the name of the message's type. */
export type Endpoints = ReadonlyMap<string, Endpoint>;

/** The part of a host that an endpoint needs. */
export interface MessageHandler<I> {
  handle(message: { readonly messageId: string; readonly digest: Uint8Array; readonly input: I }): Promise<Uint8Array>;
}

/** What a message is called among all a role will ever get, and what the machine is told. */
export interface Received<I> {
  readonly messageId: string;
  readonly input: I;
}

/** The answer where there is nothing to say. */
export const ACKNOWLEDGED = encodeCbor(null);

/** @param reads checks everything that needs no state; one for each kind of message */
export function endpointsOf<I>(
  host: MessageHandler<I>,
  reads: readonly (readonly [Named, (bytes: Uint8Array) => Promise<Received<I>> | Received<I>])[],
): Endpoints {
  return new Map(
    reads.map(([{ name }, read]) => [
      name,
      async (bytes) => {
        const { messageId, input } = await read(bytes);
        return host.handle({ messageId, digest: sha256(bytes), input });
      },
    ]),
  );
}

const COSE = 'application/cose';

/** Path of a kind of message, the same at every role. */
function pathOf(name: string): `/${string}` {
  return `/${name.replace('delivery-', 'delivery/')}`;
}

/** @param base URL of a party, without a slash at the end */
export function routeOf(base: string, { name }: Named): string {
  return `${base}${pathOf(name)}`;
}

/** What a server puts behind its paths for a role. */
export function routesOf(endpoints: Endpoints): Routes {
  return Object.fromEntries(
    [...endpoints].map(([name, answer]) => [
      `POST ${pathOf(name)}` as const,
      async ({ body }) => ({ contentType: COSE, body: await answer(body) }),
    ]),
  ) satisfies Routes;
}

/** A key as a name: unlike the names in certificates, nobody can have another's. */
export function nameOfKey({ publicKey }: Party): string {
  return toHex(sha256(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }))));
}

/**
 * @throws DeliveryError `PAYMENT_UNPROVED`; TransportError `ANSWER_PENDING` while it cannot be said, so that the peer asks again
 */
export async function requirePaid(
  proof: SettlementProof,
  claim: Parameters<SettlementProof['check']>[0],
): Promise<void> {
  const said = await proof.check(claim);
  if (said === 'unproved') throw new DeliveryError('PAYMENT_UNPROVED', 'the evidence does not show that this was paid');
  if (said === 'unknown')
    throw new TransportError('ANSWER_PENDING', 'whether this is paid is not known yet: ask again');
}
