/** Anybody checks a ruling offline: a false one is found out as far as evidence reaches, and what rests on a word is said to. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { decodeShape, encodeShape, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { verifyRuling } from '../../../src/delivery/arbiter/verify-ruling.ts';
import { acceptanceType } from '../../../src/delivery/message/acceptance.ts';
import { complaintType } from '../../../src/delivery/message/complaint.ts';
import {
  type Bundle,
  bundleType,
  REASONS,
  type ReasonCode,
  type Ruling,
  rulingType,
} from '../../../src/delivery/message/ruling.ts';
import { segmentEvidenceOf } from '../../../src/delivery/package/package-file.ts';
import { sellLie } from '../lying-merchant.ts';
import { type Network, openNetwork } from '../network.ts';
import { identifyAll, person } from '../people.ts';

const content = systemRandom(20_000);
const arno = person('arno', 'arbiter');
const carl = person('carl', 'customer');
const unfit = (words: RegExp) =>
  expect.objectContaining({ code: 'RULING_UNFIT', message: expect.stringMatching(words) });

let net: Network;
/** The key does not open; and the content differs. */
let broken: Bundle;
let different: Bundle;
let evenSegment: Awaited<ReturnType<typeof segmentEvidenceOf>>;

beforeAll(async () => {
  net = await openNetwork();
  const bundleFor = async (reference: string, lie: Parameters<typeof sellLie>[2]) => {
    const offer = await sellLie(net, content, lie);
    await net.buy(offer, { reference });
    await net.outcome(reference);
    const ruled = (await net.history(reference)).findLast(({ type }) => type === 'ruled');
    if (ruled?.type !== 'ruled') throw new Error('there is no ruling');
    return { offer, bundle: (await net.bundle(readMessage(rulingType, ruled.ruling).value.case))! };
  };
  ({ bundle: broken } = await bundleFor('broken', { otherKey: true }));
  const other = await bundleFor('different', { description: { content: systemRandom(32) } });
  different = other.bundle;
  const { bytes, value } = other.offer.manifest;
  evenSegment = await segmentEvidenceOf(net.served.get(toHex(other.offer.manifest.digest))!, 2, {
    bytes,
    manifest: value,
  });
});
afterAll(() => net.close());

const rulingIn = ({ ruling }: Bundle): Ruling => readMessage(rulingType, ruling).value;
const check = (bundle: Bundle, content?: Uint8Array) =>
  verifyRuling(bundle, { identify: identifyAll, ...(content && { content }) });

/** What an arbiter that lies would have signed. */
function falsely(bundle: Bundle, changes: Partial<Ruling>, more: Partial<Bundle> = {}): Bundle {
  return { ...bundle, ...more, ruling: signMessage(rulingType, { ...rulingIn(bundle), ...changes }, arno) };
}

function reasons(...codes: readonly ReasonCode[]): Pick<Ruling, 'reasons'> {
  return { reasons: codes.map((code) => ({ code, text: 'Because.' })) };
}

const refund = (...codes: readonly ReasonCode[]) =>
  ({ ...reasons(...codes), outcome: 'refund', breaches: ['merchant'] }) as const;
const dismissed = (...codes: readonly ReasonCode[]) =>
  ({ ...reasons(...codes), outcome: 'dismissed', breaches: [] }) as const;

describe('a true ruling', () => {
  test('is confirmed, also after it has been written to a file and read again', () => {
    const file = encodeShape(bundleType, broken);
    const { ruling, reasons: found } = check(decodeShape(bundleType, file));
    expect(ruling.outcome).toBe('refund');
    expect(found.map(({ code, basis }) => `${code} ${basis}`)).toEqual([
      'KEY_FROM_TRUSTEE shown',
      'KEY_DOES_NOT_OPEN shown',
    ]);
  });

  test('says what rests on the arbiter’s word, until somebody opens the goods', () => {
    const basis = (found: ReturnType<typeof check>) => found.reasons.at(-1)!.basis;
    expect(basis(check(different))).toBe('stated');
    expect(basis(check(different, sha256(content)))).toBe('shown');
  });
});

describe('a false ruling is found out', () => {
  test('when somebody else signed it, or it is on something else', () => {
    const mallory = { ...broken, ruling: signMessage(rulingType, rulingIn(broken), carl) };
    expect(() => check(mallory)).toThrow(expect.objectContaining({ code: 'CRYPTOGRAPHIC_FAILURE' }));
    expect(() => check({ ...broken, complaint: different.complaint })).toThrow(unfit(/another complaint/));
    expect(() => check(falsely(broken, { arbiter: 'other' }))).toThrow(unfit(/another arbiter/));
    expect(() => check(falsely(broken, { order: systemRandom(32) }))).toThrow(unfit(/another order/));
    const altered = broken.ruling.slice();
    altered[altered.length - 1]! ^= 1;
    expect(() => check({ ...broken, ruling: altered })).toThrow();
  });

  test('when what it decides does not follow from its reasons', () => {
    expect(() => check(falsely(broken, { outcome: 'dismissed' }))).toThrow(unfit(/does not follow/));
    expect(() => check(falsely(broken, { breaches: [] }))).toThrow(unfit(/does not follow/));
    expect(() => check(falsely(broken, { breaches: ['merchant', 'trustee'] }))).toThrow(unfit(/does not follow/));
    expect(() => check(falsely(broken, reasons('KEY_FROM_TRUSTEE')))).toThrow(unfit(/does not follow/));
    expect(() => check(falsely(broken, reasons('KEY_OPENS', 'KEY_DOES_NOT_OPEN')))).toThrow(unfit(/does not follow/));
    expect(() => check(falsely(broken, { person: 'Jo' }))).toThrow(unfit(/who decided/));
    expect(() => check(falsely(broken, refund('SEEN_BY_A_PERSON')))).toThrow(unfit(/who decided/));
    const released = { ...reasons('SEEN_BY_A_PERSON'), outcome: 'released', breaches: [], person: 'Jo' } as const;
    expect(() => check(falsely(broken, released))).toThrow(unfit(/no person releases/));
  });

  test('when it calls documents unsound that are sound', () => {
    for (const code of ['UNSIGNED', 'NOT_WHAT_WAS_ACCEPTED'] as const) {
      expect(() => check(falsely(broken, dismissed(code)))).toThrow(unfit(/in order/));
    }
    expect(() => check(falsely(broken, refund('DOCUMENTS_CONTRADICT')))).toThrow(unfit(/agree/));
  });

  test('when it says of the trustee what its signature disproves', () => {
    const silent = { ...refund('TRUSTEE_SILENT', 'KEY_NOT_SHOWN'), breaches: ['merchant', 'trustee'] } as const;
    expect(() => check(falsely(broken, silent))).toThrow(unfit(/answered/));
    const without = falsely(broken, refund('KEY_FROM_TRUSTEE', 'KEY_DOES_NOT_OPEN'));
    const { disclosure: _, ...rest } = without;
    expect(() => check(rest)).toThrow(unfit(/did not disclose/));
    expect(() => check({ ...broken, disclosure: different.disclosure! })).toThrow(unfit(/something else/));
    const other = {
      ...reasons('TRUSTEE_DISCLOSED_ANOTHER_KEY', 'KEY_DOES_NOT_OPEN'),
      breaches: ['merchant', 'trustee'],
    } as const;
    // With the right commitment, what was sealed is the arbiter's word; without an answer, not even that.
    expect(check(falsely(broken, other)).reasons[0]!.basis).toBe('stated');
    const { disclosure: __, ...unanswered } = falsely(broken, other);
    expect(() => check(unanswered)).toThrow(unfit(/not in the bundle/));
    const shown = { ...refund('KEY_FROM_TRUSTEE', 'KEY_NOT_SHOWN') };
    expect(() => check(falsely(broken, shown))).toThrow(unfit(/was shown/));
    const { statement: ___, ...unsaid } = falsely(broken, refund('KEY_FROM_MERCHANT', 'KEY_DOES_NOT_OPEN'));
    expect(() => check(unsaid)).toThrow(unfit(/showed no key/));
  });

  test('when the segment or the key in the bundle do not show it', () => {
    expect(() => check({ ...broken, productKey: systemRandom(32) })).toThrow(unfit(/not in the bundle/));
    const { productKey: _, ...keyless } = broken;
    expect(() => check(keyless)).toThrow(unfit(/not in the bundle/));
    const segment = readMessage(complaintType, broken.complaint).value.segment!;
    expect(() => check({ ...broken, segment: { ...segment, bytes: systemRandom(50) } })).toThrow(
      unfit(/something else/),
    );
    expect(() => check({ ...broken, segment: { ...segment, number: 1 } })).toThrow(unfit(/something else/));
    expect(() => check({ ...broken, segment: evenSegment })).toThrow(unfit(/something else/));
    expect(() => check(falsely(broken, dismissed('SEGMENT_OF_ANOTHER_PACKAGE')))).toThrow(unfit(/something else/));
    expect(() => check(falsely(different, refund('KEY_DOES_NOT_OPEN')))).toThrow(unfit(/not in the bundle/));
  });

  test('when the digests say the contrary', () => {
    expect(() => check(falsely(different, dismissed('CONTENT_AS_STATED')))).toThrow(unfit(/contrary/));
    const { content: _, ...unopened } = rulingIn(different);
    expect(() => check({ ...different, ruling: signMessage(rulingType, unopened, arno) })).toThrow(
      unfit(/not in the ruling/),
    );
    expect(() => check(different, systemRandom(32))).toThrow(unfit(/another than the arbiter opened/));
  });

  test('when a person looked at something else than is shown with it', () => {
    const seen = falsely(different, { ...refund('KEY_FROM_TRUSTEE', 'SEEN_BY_A_PERSON'), person: 'Jo' });
    expect(check(seen, sha256(content)).ruling.person).toBe('Jo');
    expect(() => check(seen, systemRandom(32))).toThrow(unfit(/another than the arbiter opened/));
  });

  test('when it releases nothing, or something else', () => {
    const released = { ...reasons('KEY_RELEASED'), outcome: 'released', breaches: [] } as const;
    expect(() => check(falsely(broken, released))).toThrow(unfit(/not in the ruling/));
  });
});

test('a complaint whose documents are not in order is dismissed, and shown to be', async () => {
  const { value } = readMessage(complaintType, broken.complaint);
  const other = readMessage(complaintType, different.complaint).value;
  const rule = async (changes: Partial<typeof value>, signer = carl) => {
    const body = signMessage(complaintType, { ...value, ...changes }, signer);
    const kind = { kind: 'complaint', contentType: 'application/cose', extension: 'cose' };
    const answer = await net.client.post(`${net.servers.arbiter.url}/delivery/complaint`, { ...kind, body });
    expect(answer.status).toBe(200);
    return check((await net.bundle(readMessage(rulingType, answer.body).value.case))!);
  };
  const dismissedFor = (code: string) => ({ ruling: { outcome: 'dismissed' }, reasons: [{ code, basis: 'shown' }] });
  // Another package, another description, another receipt than were ordered and accepted.
  expect(await rule({ manifest: other.manifest })).toMatchObject(dismissedFor('NOT_WHAT_WAS_ACCEPTED'));
  expect(await rule({ description: other.description })).toMatchObject(dismissedFor('NOT_WHAT_WAS_ACCEPTED'));
  expect(await rule({ custody: other.custody })).toMatchObject(dismissedFor('NOT_WHAT_WAS_ACCEPTED'));
  // Somebody else's purchase, or a description the merchant never signed.
  expect(await rule({}, person('mallory', 'customer'))).toMatchObject(dismissedFor('UNSIGNED'));
  const description = value.description.slice();
  description[description.length - 1]! ^= 1;
  expect(await rule({ description })).toMatchObject(dismissedFor('UNSIGNED'));
});

test('a complaint about what was never paid is dismissed on the arbiter’s word', async () => {
  const { value } = readMessage(complaintType, broken.complaint);
  const acceptance = { ...decodeShape(acceptanceType, value.acceptance), evidence: new Uint8Array([1]) };
  const body = signMessage(complaintType, { ...value, acceptance: encodeShape(acceptanceType, acceptance) }, carl);
  const kind = { kind: 'complaint', contentType: 'application/cose', extension: 'cose' };
  const answer = await net.client.post(`${net.servers.arbiter.url}/delivery/complaint`, { ...kind, body });
  const found = check((await net.bundle(readMessage(rulingType, answer.body).value.case))!);
  expect(found).toMatchObject({ ruling: { outcome: 'dismissed' }, reasons: [{ code: 'NOT_PAID', basis: 'stated' }] });
});

test('a false complaint of a key that does not open is dismissed', async () => {
  const { value } = readMessage(complaintType, different.complaint);
  const complain = async (changes: Partial<typeof value>) => {
    const body = signMessage(complaintType, { ...value, about: 'does-not-open', ...changes }, carl);
    const kind = { kind: 'complaint', contentType: 'application/cose', extension: 'cose' };
    const answer = await net.client.post(`${net.servers.arbiter.url}/delivery/complaint`, { ...kind, body });
    return check((await net.bundle(readMessage(rulingType, answer.body).value.case))!);
  };
  const last = (found: ReturnType<typeof check>) => found.reasons.at(-1)!.code;
  expect(last(await complain({ segment: evenSegment }))).toBe('KEY_OPENS');
  expect(last(await complain({ segment: { ...evenSegment, bytes: systemRandom(64) } }))).toBe(
    'SEGMENT_OF_ANOTHER_PACKAGE',
  );
  // Without a segment the arbiter looks itself; nowhere to look is the complainer's loss.
  expect(last(await complain({}))).toBe('CONTENT_DIFFERS');
  expect(last(await complain({ urls: ['http://127.0.0.1:1/none'] }))).toBe('PACKAGE_NOT_SHOWN');
});

test('every reason has its consequence, and only a person’s has none of its own', () => {
  const open = Object.entries(REASONS).filter(([, { outcome }]) => outcome === undefined);
  expect(open.map(([code]) => code)).toEqual([
    'TRUSTEE_SILENT',
    'TRUSTEE_DISCLOSED_ANOTHER_KEY',
    'KEY_FROM_TRUSTEE',
    'KEY_FROM_MERCHANT',
    'SEEN_BY_A_PERSON',
  ]);
});
