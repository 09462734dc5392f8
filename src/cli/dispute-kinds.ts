/** The kinds of disputes there are, and which one an identity is about. */
import { Option } from 'commander';
import { HandselError } from '../handsel-error.ts';
import type { DisputeKind, DisputeOptions } from './dispute-kind.ts';

/** Loaded when they are asked for. The first that owns an identity is meant, unless `--kind` says which. */
const kinds: Readonly<Record<string, () => Promise<DisputeKind>>> = {
  ticket: async () => (await import('./dispute-ticket.ts')).ticketDisputes,
  delivery: async () => (await import('./dispute-delivery.ts')).deliveryDisputes,
};

export const kindOption = () =>
  new Option('--kind <kind>', 'what is disputed, where its name does not tell').choices(Object.keys(kinds));

/** @throws HandselError `DISPUTE_UNKNOWN` */
export async function disputeKind(id: string | undefined, { kind }: DisputeOptions): Promise<DisputeKind> {
  if (kind !== undefined) return kinds[kind]!();
  if (id === undefined) return kinds.delivery!();
  for (const load of Object.values(kinds)) {
    const one = await load();
    if (one.owns(id)) return one;
  }
  throw new HandselError('DISPUTE_UNKNOWN', `${String(id).slice(0, 80)} names nothing that can be disputed`);
}
