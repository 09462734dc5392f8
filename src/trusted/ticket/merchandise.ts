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

function priceOf(components: Components): Amount | undefined {
  if (components.type === 'receipt') return components.amountPaid;
  return 'price' in components ? components.price : undefined;
}
