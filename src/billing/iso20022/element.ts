/** XML elements of ISO 20022 messages, written by fast-xml-parser; every text is checked against the length of its data type. */
import { XMLBuilder } from 'fast-xml-parser';
import { toHex, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { type Amount, formatMinor } from '../../money/amount.ts';
import { BillingError } from '../book/billing-error.ts';

export interface Element {
  readonly [name: string]: readonly Element[] | Readonly<Record<string, string>> | string;
}

/** What is undefined is left out, as are elements without content, which no message may have. */
export function element(name: string, ...children: readonly (Element | undefined)[]): Element | undefined {
  const present = children.filter((child) => child !== undefined);
  return present.length === 0 ? undefined : { [name]: present };
}

/** For elements that are never left out. */
export function required(name: string, ...children: readonly (Element | undefined)[]): Element {
  return { [name]: children.filter((child) => child !== undefined) };
}

/** @throws BillingError `RECORD_REFUSED` for a text that is empty, longer than the type allows, or not for XML */
export function textOf(name: string, text: string, max: number): Element {
  requireText(name, text);
  // The schema counts characters, not the halves of them JavaScript does.
  if ([...text].length > max) throw new BillingError('RECORD_REFUSED', `${name}: expected at most ${max} characters`);
  return { [name]: [{ '#text': text }] };
}

/** Control characters have no business in a bank's file; half characters are in no text (XML 1.0, section 2.2). */
function requireText(name: string, text: string): void {
  if (text.length === 0 || text !== text.trim() || /[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(text)) {
    throw new BillingError('RECORD_REFUSED', `${name}: expected a text without control characters or spaces around it`);
  }
}

export function code(name: string, value: string): Element {
  return { [name]: [{ '#text': value }] };
}

const MAX_DIGITS = 18;

/** @throws BillingError `RECORD_REFUSED` for an amount below zero or with more than the 18 digits of the standard */
export function amountElement(name: string, amount: Amount): Element {
  if (amount.minor < 0n || amount.minor.toString().length > MAX_DIGITS) {
    throw new BillingError('RECORD_REFUSED', `${name}: expected an amount of at most ${MAX_DIGITS} digits`);
  }
  return { [name]: [{ '#text': formatMinor(amount) }], ':@': { Ccy: amount.currency } };
}

export function timeElement(name: string, atMs: number): Element {
  return code(name, new Date(atMs).toISOString());
}

/** The id itself where it fits, else its beginning and a digest: another one for another id. */
export function shortened(id: string, max: number): string {
  const digest = toHex(sha256(utf8(id))).slice(0, 16);
  return id.length <= max ? id : `${id.slice(0, max - digest.length - 1)}-${digest}`;
}

/** The `Document` of a message, with its declaration. */
export function documentOf(message: string, root: Element): string {
  const builder = new XMLBuilder({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    format: true,
    indentBy: '  ',
    suppressEmptyNode: true,
    processEntities: true,
  });
  const whole = { Document: [root], ':@': { xmlns: `urn:iso:std:iso:20022:tech:xsd:${message}` } };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build([whole]).trim()}\n`;
}
