/** The device's own check of an opened deposit (US 09/718,411, claim 8): the operator's signature alone does not make it what was agreed. */
import { convertAmount, type Rate } from '../../money/rate.ts';
import type { Opened } from '../message/initiation.ts';
import type { TemporaryCertificate } from '../message/temporary-certificate.ts';
import type { Initiating, OpenTerms, Refusal } from './purse-state.ts';

/** What is wrong with the deposit as it was opened, or its terms. */
export function checkOpened(
  { want, currency, agreed }: Initiating,
  { rate, deposit, url }: Opened,
  certificate: TemporaryCertificate,
): { readonly refusal: Refusal } | { readonly terms: OpenTerms } {
  const { merchantCurrency, depositMinor, endsAtMs } = want;
  if (rate.from !== currency || rate.to !== merchantCurrency) {
    return refuse('RATE_UNKNOWN', `expected a rate from ${currency} to ${merchantCurrency}`);
  }
  if (agreed !== null && !isSameRate(rate, agreed)) {
    return refuse('RATE_UNKNOWN', 'the rate is not the one of the table given at log-on');
  }

  const expected = convertAmount({ currency, minor: depositMinor }, rate);
  if (deposit.currency !== merchantCurrency || deposit.minor !== expected.minor) {
    return refuse('DEPOSIT_REFUSED', `expected a deposit of ${expected.minor} minor units of ${merchantCurrency}`);
  }

  if (certificate.notAfterMs < endsAtMs) {
    return refuse('CERTIFICATE_UNFIT', "the merchant's certificate ends before the deposit");
  }
  if (!isWebAddress(url)) return refuse('DEPOSIT_REFUSED', 'the address for purchases is none');
  return { terms: { rate, depositMinor: deposit.minor, merchantKey: certificate.key, url } };
}

export function isSameRate(a: Rate, b: Rate): boolean {
  return a.from === b.from && a.to === b.to && a.numerator === b.numerator && a.denominator === b.denominator;
}

function isWebAddress(url: string): boolean {
  return URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
}

const refuse = (code: string, detail: string) => ({ refusal: { code, detail } });
