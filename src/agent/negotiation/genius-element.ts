/** XML from outside as a plain tree of elements with attributes: bounded, without document type, entities or text. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { HandselError } from '../../handsel-error.ts';

/** A Genius file that cannot be read; `code` starts with `GENIUS_`. */
export class GeniusError extends HandselError {}

export interface GeniusElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly GeniusElement[];
}

/** Characters. The largest file of the field's published collections has 2.2 million. */
export const MAX_GENIUS_LENGTH = 4_000_000;
const MAX_DEPTH = 16;
const ATTRIBUTES = ':@';

/** @throws GeniusError `GENIUS_TOO_LARGE`, `GENIUS_NOT_XML` or `GENIUS_DOCTYPE_REFUSED` */
export function parseGeniusElement(text: string): GeniusElement {
  if (text.length > MAX_GENIUS_LENGTH) {
    throw new GeniusError('GENIUS_TOO_LARGE', `a Genius file has at most ${MAX_GENIUS_LENGTH} characters`);
  }
  // Checked on the text itself, before any parser can act on a declaration.
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) {
    throw new GeniusError('GENIUS_DOCTYPE_REFUSED', 'document types and entities are not accepted');
  }
  const roots = elementsOf(parseOrdered(text), 0);
  const root = roots[0];
  if (root === undefined || roots.length !== 1) {
    throw new GeniusError('GENIUS_NOT_XML', 'a Genius file has exactly one outermost element');
  }
  return root;
}

function parseOrdered(text: string): unknown {
  try {
    const valid = XMLValidator.validate(text);
    if (valid !== true) throw new Error(`${valid.err.msg} (line ${valid.err.line})`);
    return new XMLParser({
      preserveOrder: true,
      ignoreAttributes: false,
      attributeNamePrefix: '',
      parseTagValue: false,
      parseAttributeValue: false,
      ignoreDeclaration: true,
      ignorePiTags: true,
      maxNestedTags: MAX_DEPTH,
      // Without a document type only the five entities of XML itself are left to resolve.
      processEntities: { enabled: true, maxEntityCount: 0 },
    }).parse(text);
  } catch (cause) {
    throw new GeniusError('GENIUS_NOT_XML', 'the file is not well-formed XML', { cause });
  }
}

function elementsOf(nodes: unknown, depth: number): GeniusElement[] {
  if (!Array.isArray(nodes) || depth > MAX_DEPTH) {
    throw new GeniusError('GENIUS_NOT_XML', 'the file is nested too deeply');
  }
  const elements: GeniusElement[] = [];
  for (const node of nodes as readonly Readonly<Record<string, unknown>>[]) {
    const name = Object.keys(node).find((key) => key !== ATTRIBUTES);
    if (name === undefined || name.startsWith('#') || name.startsWith('?')) continue;
    const attributes = new Map<string, string>();
    for (const [key, value] of Object.entries(node[ATTRIBUTES] ?? {})) attributes.set(key, String(value));
    elements.push({ name, attributes, children: elementsOf(node[name], depth + 1) });
  }
  return elements;
}
