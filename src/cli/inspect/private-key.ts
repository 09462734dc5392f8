/** Keeps private keys out of what is printed, wherever in a DER tree they stand: PKCS #8 (RFC 5958), SEC 1 (RFC 5915), PKCS #1. */
import type { DerNode } from './der-node.ts';

export const HIDDEN = '(private key, not shown)';

const keyAlgorithms =
  /^(?:1\.2\.840\.10045\.2\.1|1\.2\.840\.113549\.1\.1\.(?:1|7|10)|1\.3\.101\.\d+|1\.3\.132\.1\.12)\b/;

/** Changes the tree in place, before anybody has seen it. */
export function hidePrivateKeys(node: DerNode): void {
  const children = node.children ?? [];
  if (isPkcs8(children)) hide(children[2]!);
  else if (isSec1(children)) hide(children[1]!);
  else if (isPkcs1(children)) for (const child of children.slice(3)) hide(child);
  for (const child of node.children ?? []) hidePrivateKeys(child);
}

/** True when something in the tree was hidden: then no raw bytes of it may be printed either. */
export function holdsPrivateKey(node: DerNode): boolean {
  return node.value === HIDDEN || (node.children ?? []).some(holdsPrivateKey);
}

function hide(node: DerNode): void {
  node.value = HIDDEN;
  delete node.children;
}

function isPkcs8([version, algorithm, key]: readonly DerNode[]): boolean {
  const name = algorithm?.children?.[0];
  return (
    version?.tag === 'INTEGER' &&
    key?.tag === 'OCTET STRING' &&
    name?.tag === 'OBJECT IDENTIFIER' &&
    keyAlgorithms.test(name.value ?? '')
  );
}

/** The length of the scalar of a curve in use tells a key from any other octets after a 1. */
function isSec1([version, key, ...rest]: readonly DerNode[]): boolean {
  const rightTail = rest.length <= 2 && rest.every(({ tag }) => tag === '[0]' || tag === '[1]');
  const isKey = key?.tag === 'OCTET STRING' && [32, 48, 66].includes(key.length);
  return version?.tag === 'INTEGER' && version.value === '1' && isKey && rightTail;
}

function isPkcs1(children: readonly DerNode[]): boolean {
  return (
    children.length >= 9 && children[0]?.value === '0' && children.slice(0, 9).every(({ tag }) => tag === 'INTEGER')
  );
}
