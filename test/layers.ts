/** Which folder of src/ may import which: the table behind ARCHITECTURE.md, in the order from the ground up. */
import type { SourceFile } from './source-tree.ts';

const foundations = ['handsel-error.ts', 'codec', 'crypto', 'money'];
const backbone = [...foundations, 'pki', 'journal', 'transport'];
const protocols = ['agent', 'deposit', 'set', 'delivery', 'trusted'];

/** A folder may import itself and what stands here; `party` plugs the protocols together, and only the faces import it. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  'handsel-error.ts': [],
  codec: ['handsel-error.ts'],
  crypto: ['handsel-error.ts', 'codec'],
  money: ['handsel-error.ts', 'codec', 'crypto'],
  pki: foundations,
  journal: [...foundations, 'pki'],
  // The HTTP courier is the outbox's way to other parties, so the transport knows the courier port, never the reverse.
  transport: [...foundations, 'pki', 'journal'],
  ledger: backbone,
  agent: [...backbone, 'ledger'],
  deposit: [...backbone, 'ledger'],
  set: [...backbone, 'ledger'],
  delivery: [...backbone, 'ledger'],
  trusted: [...backbone, 'ledger'],
  // Billing is told what deposits came to, and knows the names of their accounts; deposits know nothing of billing systems.
  billing: [...backbone, 'ledger', 'deposit'],
  party: [...backbone, 'ledger', ...protocols, 'billing'],
  library: ['handsel-error.ts', 'deposit', 'party'],
  cli: [...backbone, 'ledger', ...protocols, 'billing', 'party'],
};

/** Inside a protocol these folders are met by all its roles; everything else is a role and imports no other role. */
const meetingPlaces: Readonly<Record<string, readonly string[]>> = {
  agent: ['message', 'negotiation'],
  deposit: ['message'],
  set: ['message'],
  delivery: ['message', 'package'],
  trusted: ['message', 'session', 'ticket', 'object', 'credential', 'paper', 'ruling'],
  party: ['message', 'files', 'configuration', 'running', 'owner'],
};

/** Exceptions between folders of one protocol, each with its reason. */
const exceptions: readonly { readonly from: string; readonly to: string; readonly reason: string }[] = [
  {
    from: 'agent/platform',
    to: 'agent/customer',
    reason: 'the platform hosts the customer agents, which are pure behaviours',
  },
  {
    from: 'agent/platform',
    to: 'agent/merchant',
    reason: 'the platform hosts the merchant agents, which are pure behaviours',
  },
  {
    from: 'party/customer',
    to: 'party/purse',
    reason: 'a station hosts its customer’s purse; a purse also lives in programs of others, without a station',
  },
  {
    from: 'party/customer',
    to: 'party/market',
    reason: 'a station has a platform of its own for agents that stay at home',
  },
  ...['arbiter', 'customer', 'device', 'market', 'merchant', 'operator', 'trusted'].map((role) => ({
    from: 'party/network',
    to: `party/${role}`,
    reason: 'whatever a configuration names is started there',
  })),
];

/** What is wrong with the imports of these files, as sentences; an empty list when all go down. */
export function layerFaults(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, imports }) =>
    imports.flatMap((imported) => {
      const fault = faultOf(partsOf(path), partsOf(imported));
      return fault === undefined ? [] : [`${path} imports ${imported}: ${fault}`];
    }),
  );
}

function faultOf(from: readonly string[], to: readonly string[]): string | undefined {
  const [top = '', inner = ''] = from;
  const [otherTop = '', otherInner = ''] = to;
  const allowed = layers[top];
  if (allowed === undefined) return `${top} has no row in the table of layers`;
  if (top !== otherTop) return allowed.includes(otherTop) ? undefined : `${top} may not import ${otherTop}`;
  const meeting = meetingPlaces[top];
  if (meeting === undefined || inner === otherInner || meeting.includes(otherInner)) {
    return inner === 'message' && otherInner !== 'message' ? 'message/ is the ground of its protocol' : undefined;
  }
  if (exceptions.some((row) => row.from === `${top}/${inner}` && row.to === `${top}/${otherInner}`)) return undefined;
  return `roles of one protocol meet in ${meeting.map((name) => `${top}/${name}`).join(' or ')} only`;
}

/** `src/set/wallet/purchase.ts` → `['set', 'wallet']`, `src/handsel-error.ts` → `['handsel-error.ts']`. */
function partsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(1);
  return parts.length === 1 ? parts : parts.slice(0, -1);
}
