/** Any strict DER as a tree to read, without a schema: what each element is, where it stands, and what it wraps. */
import { DerError } from '../../codec/der.ts';
import { createReader, type DerReader, readHeader } from '../../codec/der-reader.ts';
import { type DerNode, type Identifier, identifierOf, nameOf } from './der-node.ts';
import { primitiveText } from './der-value.ts';
import { hidePrivateKeys } from './private-key.ts';

const MAX_DEPTH = 64;
const MAX_ELEMENTS = 20_000;

/** The one element that `bytes` are, with private keys already hidden. @throws DerError when they are not strict DER */
export function readDerTree(bytes: Uint8Array): DerNode {
  const reader = createReader(bytes, MAX_ELEMENTS);
  const root = readNode(reader, bytes.length, MAX_DEPTH);
  if (reader.position !== bytes.length) throw new DerError('DER_TRAILING', 'bytes follow the encoding');
  hidePrivateKeys(root);
  return root;
}

function readNode(reader: DerReader, limit: number, depth: number): DerNode {
  if (depth === 0) throw new DerError('DER_TOO_DEEP', 'the encoding is nested too deeply');
  readHeader(reader, limit);
  const { start, position, end, tag } = reader;
  const identifier = identifierOf(tag);
  const node: DerNode = {
    offset: start,
    headerLength: position - start,
    length: end - position,
    tag: nameOf(identifier),
  };
  if (identifier.constructed) node.children = readChildren(reader, end, depth - 1);
  else fillPrimitive(node, reader, { ...identifier, depth });
  reader.position = end;
  return node;
}

function readChildren(reader: DerReader, end: number, depth: number): readonly DerNode[] {
  const children: DerNode[] = [];
  let afterIdentifier = false;
  while (reader.position < end) {
    const child = readNode(reader, end, depth);
    // An extension's or attribute's value: octets whose first neighbour says by its identifier that they are DER.
    if (afterIdentifier && child.tag === 'OCTET STRING' && child.children === undefined)
      wrapIfDer(child, reader, depth);
    if (child.tag === 'OBJECT IDENTIFIER') afterIdentifier = true;
    children.push(child);
  }
  return children;
}

function fillPrimitive(node: DerNode, reader: DerReader, type: Identifier & { readonly depth: number }): void {
  const from = node.offset + node.headerLength;
  const content = reader.bytes.subarray(from, from + node.length);
  node.value = primitiveText(type.universal ? type.number : undefined, content);
  const isBits = type.universal && type.number === 3;
  if (!isBits && !(type.universal && type.number === 4)) return;
  // Octets and bits often wrap another encoding (keys, signatures, certificates); a SEQUENCE that fits exactly is one.
  const wrapped = isBits && content[0] === 0 ? content.subarray(1) : content;
  if (wrapped[0] === 0x30) wrapIfDer(node, reader, type.depth, isBits ? 1 : 0);
}

/** Replaces the octets of a node by what they encode, if they are one DER element exactly. */
function wrapIfDer(node: DerNode, reader: DerReader, depth: number, skip = 0): void {
  const { position, elementsLeft } = reader;
  const end = node.offset + node.headerLength + node.length;
  reader.position = node.offset + node.headerLength + skip;
  try {
    const inner = readNode(reader, end, depth - 1);
    if (inner.offset + inner.headerLength + inner.length === end) {
      node.children = [inner];
      delete node.value;
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    reader.elementsLeft = elementsLeft;
  } finally {
    reader.position = position;
  }
}
