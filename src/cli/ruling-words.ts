/** A ruling that was checked, in words: deliveries and tickets alike. */

/** `shown`: the bundle proves it. `stated`: whoever ruled says so, and nothing in the bundle speaks against it. */
type Basis = 'shown' | 'stated';

export interface CheckedBundle {
  readonly right: true;
  readonly case: string;
  readonly arbiter: string;
  readonly about: string;
  readonly outcome: string;
  readonly breaches: readonly string[];
  readonly person?: string;
  readonly at: string;
  /** Of a content that was shown with it: one that is another than was judged makes the check fail. */
  readonly content?: 'compared' | 'not-compared';
  readonly reasons: readonly { readonly code: string; readonly text: string; readonly basis: Basis }[];
}

const CONTENT_WORDS = {
  compared: 'the file is what the arbiter opened',
  'not-compared': 'the file was compared with nothing: this ruling names no content',
};

export function rulingText({
  case: of,
  arbiter,
  about,
  outcome,
  breaches,
  person,
  at,
  reasons,
  content,
}: CheckedBundle): string {
  const lines = [
    `right  ${outcome}, by ${arbiter}${person === undefined ? '' : ` (${person})`} at ${at}`,
    `  case     ${of}: ${about}`,
    ...(breaches.length === 0 ? [] : [`  breach   ${breaches.join(', ')}`]),
    ...reasons.map(({ code, text, basis }) => `  ${basis.padEnd(7)}  ${code}: ${text}`),
    ...(content === undefined ? [] : [`  content  ${CONTENT_WORDS[content]}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
