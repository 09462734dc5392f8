/** File names of our own making from a merchant's words: no folders, no hidden files, bounded, and each file its own. */

interface NamedGoods {
  readonly sku: string;
  readonly mediaType: string;
}

const ENDINGS: Readonly<Record<string, string>> = {
  'application/json': '.json',
  'application/geo+json': '.geojson',
  'text/csv': '.csv',
  'audio/mpeg': '.mp3',
  'video/mp4': '.mp4',
  'text/plain': '.txt',
  'text/tab-separated-values': '.tsv',
  'application/epub+zip': '.epub',
  'application/gzip': '.gz',
  'text/html': '.html',
  'image/jpeg': '.jpg',
  'text/markdown': '.md',
  'application/pdf': '.pdf',
  'image/png': '.png',
  'image/svg+xml': '.svg',
  'application/xml': '.xml',
  'application/zip': '.zip',
};
const MAX_LENGTH = 64;

/** One name for each of the goods, in their order; two of the same name are told apart by a number no name of ours contains. */
export function fileNamesOf(goods: readonly NamedGoods[]): readonly string[] {
  const taken = new Set<string>();
  return goods.map(({ sku, mediaType }, index) => {
    const stem = stemOf(sku);
    const ending = Object.hasOwn(ENDINGS, mediaType) ? ENDINGS[mediaType]! : '';
    // Some file systems make no difference between capital and small letters.
    const first = `${stem}${ending}`;
    const name = taken.has(first.toLowerCase()) ? `${stem} (${index + 1})${ending}` : first;
    taken.add(name.toLowerCase());
    return name;
  });
}

function stemOf(sku: string): string {
  const plain = sku
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\.+/, '')
    .slice(0, MAX_LENGTH);
  return plain === '' ? 'goods' : plain;
}
