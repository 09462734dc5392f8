/** A product's number made from the name of its file: letters lose their accents rather than themselves. */
export function skuOf(stem: string): string {
  const plain = stem.toLowerCase().replaceAll('ß', 'ss').normalize('NFKD').replaceAll(/\p{M}/gu, '');
  return plain.replace(/[^a-z0-9._-]+/g, '-');
}
