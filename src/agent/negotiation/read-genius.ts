/**
 * Reads the negotiation field's standard files: Genius domains (`<negotiation_template>`) and linear-additive preference
 * profiles (`<utility_space>`), as Genius 10.4 and NegMAS read and write them (`index`, `vtype`/`type`/`etype`, `evaluation`,
 * `<weight index value>`, `<reservation value>`, `<discount_factor value>`, `<range>`, `<evaluator ftype>`).
 */
import { type GeniusElement, GeniusError, parseGeniusElement } from './genius-element.ts';
import type { Issue } from './issue.ts';
import { createUtilitySpace, type Evaluation, type UtilitySpace } from './utility.ts';

export interface Domain {
  readonly name: string;
  readonly issues: readonly Issue[];
}

const MAX_ISSUES = 128;
const MAX_ITEMS = 20_000;
const MAX_NAME = 400;

/** @throws GeniusError */
export function readGeniusDomain(text: string): Domain {
  const { root, leaves } = readTree(text);
  return { name: nameOf(root, 'domain'), issues: leaves.map(({ element }) => issueOf(element)) };
}

/**
 * The profile of one party over the issues of a domain. Evaluations of discrete values are divided by the issue's largest,
 * and weights are made to sum to 1, as Genius does.
 * @throws GeniusError, also when the profile's issues are not the domain's
 */
export function readGeniusProfile(text: string, domain: Domain): UtilitySpace {
  const { space, leaves } = readTree(text);
  const kind = space.attributes.get('type')?.toLowerCase();
  if (kind === 'nonlinear' || kind === 'constraint') {
    throw new GeniusError('GENIUS_UNSUPPORTED', 'only linear-additive profiles are supported');
  }
  const byName = new Map(leaves.map((leaf) => [nameOf(leaf.element, 'issue'), leaf]));
  if (byName.size !== domain.issues.length || leaves.length !== byName.size) {
    throw new GeniusError('GENIUS_DOMAIN_MISMATCH', 'the profile and the domain have different issues');
  }
  const weights: number[] = [];
  const evaluations: Evaluation[] = [];
  for (const issue of domain.issues) {
    const leaf = byName.get(issue.name);
    if (leaf === undefined) {
      throw new GeniusError('GENIUS_DOMAIN_MISMATCH', `the profile says nothing about "${issue.name}"`);
    }
    weights.push(leaf.weight);
    evaluations.push(evaluationOf(leaf.element, issue));
  }
  const reservation = valueOfChild(space, 'reservation');
  const discount = valueOfChild(space, 'discount_factor');
  return createUtilitySpace({
    issues: domain.issues,
    weights,
    evaluations,
    ...(reservation === undefined ? {} : { reservation }),
    // Genius takes a factor outside 0…1, and 0 itself, as "no discount".
    ...(discount === undefined || discount <= 0 || discount > 1 ? {} : { discount }),
  });
}

interface Leaf {
  readonly element: GeniusElement;
  /** The issue's weight times those of the objectives above it. */
  readonly weight: number;
}

function readTree(text: string): { space: GeniusElement; root: GeniusElement; leaves: readonly Leaf[] } {
  const top = parseGeniusElement(text);
  const space = top.name === 'utility_space' ? top : top.children.find((child) => child.name === 'utility_space');
  const root = space?.children.find((child) => child.name === 'objective');
  if (space === undefined || root === undefined) {
    throw new GeniusError('GENIUS_INVALID', 'expected a utility_space with an objective');
  }
  const leaves = leavesOf(root, 1);
  if (leaves.length === 0 || leaves.length > MAX_ISSUES) {
    throw new GeniusError('GENIUS_INVALID', `a domain has between 1 and ${MAX_ISSUES} issues`);
  }
  const names = new Set(leaves.map(({ element }) => nameOf(element, 'issue')));
  if (names.size !== leaves.length) throw new GeniusError('GENIUS_INVALID', 'two issues have the same name');
  return { space, root, leaves };
}

function leavesOf(objective: GeniusElement, above: number): Leaf[] {
  const weights = new Map<string, number>();
  for (const child of objective.children) {
    if (child.name === 'weight') weights.set(attribute(child, 'index'), numberOf(child, 'value'));
  }
  const weightOf = (child: GeniusElement) => above * (weights.get(attribute(child, 'index')) ?? 0);
  return objective.children.flatMap((child) => {
    if (child.name === 'issue') return [{ element: child, weight: weightOf(child) }];
    if (child.name === 'objective') return leavesOf(child, weightOf(child));
    return [];
  });
}

function issueOf(element: GeniusElement): Issue {
  const name = nameOf(element, 'issue');
  const type = typeOf(element);
  if (type === 'discrete') {
    const values = itemsOf(element).map((item) => attribute(item, 'value'));
    if (new Set(values).size !== values.length) {
      throw new GeniusError('GENIUS_INVALID', `two items of "${name}" have the same value`);
    }
    return { type, name, values };
  }
  const range = element.children.find((child) => child.name === 'range') ?? element;
  const lower = numberOf(range, 'lowerbound');
  const upper = numberOf(range, 'upperbound');
  if (upper < lower || (type === 'integer' && !(Number.isSafeInteger(lower) && Number.isSafeInteger(upper)))) {
    throw new GeniusError('GENIUS_INVALID', `the bounds of "${name}" are not a range`);
  }
  return { type, name, lower, upper };
}

function evaluationOf(element: GeniusElement, issue: Issue): Evaluation {
  if (typeOf(element) !== issue.type) {
    throw new GeniusError('GENIUS_DOMAIN_MISMATCH', `"${issue.name}" has another type in the domain`);
  }
  if (issue.type === 'discrete') return tableOf(element, issue.values);

  const evaluator = element.children.find((child) => child.name === 'evaluator');
  if (evaluator === undefined) return { type: 'constant', value: 0 };
  const parameter = (at: number) => numberOf(evaluator, `parameter${at}`);
  const kind = evaluator.attributes.get('ftype') ?? 'linear';
  if (kind === 'constant') return { type: 'constant', value: parameter(0) };
  if (kind === 'triangular') {
    const [lower, upper, top] = [parameter(0), parameter(1), parameter(2)];
    if (!(lower <= top && top <= upper)) throw new GeniusError('GENIUS_INVALID', 'a triangle rises, then falls');
    return { type: 'triangular', lower, top, upper };
  }
  if (kind !== 'linear') throw new GeniusError('GENIUS_UNSUPPORTED', `evaluator "${kind}" is not supported`);
  if (evaluator.attributes.has('slope')) {
    // Genius counts an integer from its lower bound here, unlike with the older parameters below.
    const slope = numberOf(evaluator, 'slope');
    return { type: 'linear', slope, offset: numberOf(evaluator, 'offset') - slope * issue.lower };
  }
  return { type: 'linear', slope: parameter(1), offset: parameter(0) };
}

function tableOf(element: GeniusElement, allowed: readonly string[]): Evaluation {
  const known = new Set(allowed);
  const raw = new Map<string, number>();
  for (const item of itemsOf(element)) {
    const value = attribute(item, 'value');
    if (!known.has(value)) {
      throw new GeniusError('GENIUS_DOMAIN_MISMATCH', `the domain has no value "${value}"`);
    }
    const evaluation = numberOf(item, 'evaluation');
    if (evaluation < 0) throw new GeniusError('GENIUS_INVALID', 'an evaluation is at least 0');
    raw.set(value, evaluation);
  }
  if (raw.size !== known.size)
    throw new GeniusError('GENIUS_DOMAIN_MISMATCH', 'a value of the domain has no evaluation');
  const most = Math.max(...raw.values());
  return {
    type: 'table',
    values: new Map([...raw].map(([value, evaluation]) => [value, most > 0 ? evaluation / most : 0])),
  };
}

function typeOf(element: GeniusElement): Issue['type'] {
  const type =
    ['type', 'vtype', 'etype'].map((name) => element.attributes.get(name)).find((found) => found) ?? 'discrete';
  if (type === 'discrete' || type === 'integer' || type === 'real') return type;
  throw new GeniusError('GENIUS_UNSUPPORTED', `issues of type "${type.slice(0, 40)}" are not supported`);
}

function itemsOf(element: GeniusElement): readonly GeniusElement[] {
  const items = element.children.filter((child) => child.name === 'item');
  if (items.length === 0 || items.length > MAX_ITEMS) {
    throw new GeniusError('GENIUS_INVALID', `a discrete issue has between 1 and ${MAX_ITEMS} items`);
  }
  return items;
}

function nameOf(element: GeniusElement, otherwise: string): string {
  const name = element.attributes.get('name') ?? `${otherwise} ${element.attributes.get('index') ?? ''}`.trim();
  if (name.length > MAX_NAME) throw new GeniusError('GENIUS_INVALID', `a name has at most ${MAX_NAME} characters`);
  return name;
}

function attribute(element: GeniusElement, name: string): string {
  const value = element.attributes.get(name);
  if (value === undefined || value.length > MAX_NAME) {
    throw new GeniusError('GENIUS_INVALID', `<${element.name.slice(0, 40)}> needs the attribute "${name}"`);
  }
  return value;
}

function numberOf(element: GeniusElement, name: string): number {
  const text = attribute(element, name).trim();
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) {
    throw new GeniusError('GENIUS_INVALID', `"${name}" of <${element.name.slice(0, 40)}> is not a number`);
  }
  return value;
}

function valueOfChild(element: GeniusElement, name: string): number | undefined {
  const child = element.children.find((candidate) => candidate.name === name);
  return child === undefined ? undefined : numberOf(child, 'value');
}
