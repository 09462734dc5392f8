/** Whether merchandise is what was selected, at the price agreed (US 5,671,280, figure 12, step 418, and figure 15, step 474). */
import type { Amount } from '../../money/amount.ts';
import type { Selection } from '../message/selection.ts';
import type { Components } from './components.ts';

/** What is wrong with it, or undefined when it is right. */
export function faultOfMerchandise(
  components: Components,
  { selection, price }: { readonly selection: Selection; readonly price: Amount },
): string | undefined {
  if (components.type !== selection.type) return `a ticket of type ${components.type}`;
  const held = components as unknown as Readonly<Record<string, unknown>>;
  const other = Object.entries(selection.fields).find(([name, value]) => held[name] !== value);
  if (other !== undefined) return `another ${other[0]}`;
  const asked = priceOf(components);
  if (asked?.currency !== price.currency || asked.minor !== price.minor) return 'another price';
  return undefined;
}

export function priceOf(components: Components): Amount | undefined {
  if (components.type === 'receipt') return components.amountPaid;
  return 'price' in components ? components.price : undefined;
}

/** By what merchandise of a kind is known as the same; a seat or a key may differ. */
const identities: Readonly<Partial<Record<Components['type'], readonly string[]>>> = {
  decryption: ['objectId'],
  transportation: ['carrier', 'tripNumber', 'departureAt', 'departurePlace', 'arrivalPlace'],
  event: ['event', 'location', 'at'],
  communications: ['carrier', 'channel', 'timePurchased'],
  receipt: ['vendor', 'items'],
};

/** What is wrong with merchandise that is to take the place of other (figure 30, steps 1106 to 1116), or undefined when it is right. */
export function faultOfReplacement(components: Components, before: Components): string | undefined {
  if (components.type !== before.type) return `a ticket of type ${components.type}`;
  const [own, old] = [components, before].map((one) => one as unknown as Readonly<Record<string, unknown>>);
  const identity = identities[before.type];
  if (identity === undefined) return 'nothing of that kind is replaced';
  const other = identity.find((name) => written(own![name]) !== written(old![name]));
  if (other !== undefined) return `another ${other}`;
  return written(priceOf(components)) === written(priceOf(before)) ? undefined : 'another price';
}

const written = (value: unknown) => JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item));
