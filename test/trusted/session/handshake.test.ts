/** The key agreement: who can be whom, what is bound, and what an attacker in the middle can do (nothing but break it off). */
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { makeCompactKey } from '../../../src/crypto/compact-key.ts';
import { systemRandom as random } from '../../../src/crypto/random.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import { decodeTrustedMessage } from '../../../src/trusted/message/envelope.ts';
import { nameOfPeer, type PartyCredential } from '../../../src/trusted/message/party.ts';
import { openFrame, sealFrame } from '../../../src/trusted/session/channel.ts';
import {
  deriveSessionKeys,
  greet,
  type HandshakeSelf,
  prove,
  readGreeting,
  readProof,
  sayHello,
} from '../../../src/trusted/session/handshake.ts';
import { type CertifiedAgent, newAgent, newPrimary, newServer, TODAY } from '../hierarchy.ts';

const server = newServer({ primary: newPrimary(1, random), serverId: 17, random });
const [ada, bob, eve] = [1, 2, 3].map((serial) => newAgent({ server, serial, random })) as [
  CertifiedAgent,
  CertifiedAgent,
  CertifiedAgent,
];
const selfOf = ({ certificate, key }: CertifiedAgent): HandshakeSelf => ({
  privateKey: key.privateKey,
  credential: () => ({ type: 'agent', certificate }),
});
const nameOf = ({ id, certificate }: CertifiedAgent) => nameOfPeer({ type: 'agent', agentId: id, certificate });
const keyIn = (credential: PartyCredential) =>
  credential.type === 'agent' ? credential.certificate.publicKey : new Uint8Array();
const id = 'ab'.repeat(16);
const said = { versions: { untrusted: 3, primaryKeys: 1 }, clockMs: TODAY * 86_400_000 };
const proofBody = { ...said, purpose: 'give', about: new Uint8Array([1]), replyTo: 'ada' } as const;

interface Played {
  readonly caller?: HandshakeSelf;
  readonly callee?: HandshakeSelf;
  /** What somebody on the line makes of a message. */
  readonly hello?: (bytes: Uint8Array) => Uint8Array;
  readonly greetingPoint?: (bytes: Uint8Array) => Uint8Array;
  readonly greetingSealed?: (bytes: Uint8Array) => Uint8Array;
  readonly proof?: (bytes: Uint8Array) => Uint8Array;
}

function play(played: Played = {}) {
  const same = (bytes: Uint8Array) => bytes;
  const { hello = same, greetingPoint = same, greetingSealed = same, proof = same } = played;
  const started = sayHello(id, random);
  const heard = hello(started.hello);
  const message = decodeTrustedMessage(heard);
  if (message.type !== 'hello') throw new Error('no hello');
  const greeted = greet({ hello: heard, point: message.point, self: played.callee ?? selfOf(bob), body: said, random });
  const greeting = { point: greetingPoint(greeted.greeting.point), sealed: greetingSealed(greeted.greeting.sealed) };
  const read = readGreeting(started, greeting);
  read.requireSigned(keyIn(read.body.credential));
  const proved = prove({ greeted: read.sent, self: played.caller ?? selfOf(ada), body: proofBody });
  const seen = readProof(greeted, proof(proved.sealed));
  seen.requireSigned(keyIn(seen.body.credential));
  const names = { caller: nameOf(ada), callee: nameOf(bob), purpose: 'give' };
  return {
    ...{ read, seen },
    caller: deriveSessionKeys({ keys: read.sent.keys, transcript: proved.transcript, ...names }),
    callee: deriveSessionKeys({ keys: greeted.keys, transcript: seen.transcript, ...names }),
    named: (other: Partial<typeof names>) =>
      deriveSessionKeys({ keys: greeted.keys, transcript: seen.transcript, ...names, ...other }),
  };
}

const flip = (at: number) => (bytes: Uint8Array) => {
  const changed = bytes.slice();
  changed[at < 0 ? changed.length + at : at]! ^= 1;
  return changed;
};

describe('a handshake', () => {
  it('gives both ends the same keys, one for each direction, and tells each what the other said', () => {
    const { caller, callee, read, seen } = play();
    expect(caller).toEqual(callee);
    const keys = Object.values(caller).map(toHex);
    expect(new Set(keys).size).toBe(3);
    expect(read.body).toMatchObject({ ...said, credential: { type: 'agent', certificate: bob.certificate } });
    expect(seen.body).toMatchObject({ ...proofBody, credential: { type: 'agent', certificate: ada.certificate } });
  });

  it('has other keys each time, though the same two agents say the same', () => {
    expect(play().caller.caller).not.toEqual(play().caller.caller);
  });

  it('gives other keys to whoever believes in other names or another purpose', () => {
    const { callee, named } = play();
    for (const other of [{ caller: nameOf(eve) }, { callee: nameOf(eve) }, { purpose: 'present' }]) {
      expect(toHex(named(other).caller)).not.toBe(toHex(callee.caller));
    }
    expect(named({})).toEqual(callee);
  });

  it('breaks when anything is changed on the way', () => {
    const attacks: Played[] = [
      { hello: flip(-1) },
      { hello: flip(5) },
      { greetingPoint: (point) => makeCompactKey(random).x.map((byte, at) => byte ^ (point[at]! & 0)) },
      ...[0, 40, -1].map((at) => ({ greetingSealed: flip(at) })),
      ...[0, 40, -1].map((at) => ({ proof: flip(at) })),
      { greetingSealed: (bytes: Uint8Array) => bytes.subarray(0, 10) },
    ];
    for (const attack of attacks) expect(() => play(attack)).toThrow(CryptographicError);
  });

  it('shows nobody who the caller is but the callee it has checked', () => {
    // Somebody answers in Bob's name with Bob's certificate but without Bob's key: the caller stops before it says who it is.
    const impostor = { ...selfOf(bob), privateKey: eve.key.privateKey };
    expect(() => play({ callee: impostor })).toThrow(CryptographicError);
    const wire: Uint8Array[] = [];
    const keep = (bytes: Uint8Array) => {
      wire.push(bytes);
      return bytes;
    };
    play({ hello: keep, greetingPoint: keep, greetingSealed: keep, proof: keep });
    const seen = Buffer.concat(wire).toString('hex');
    for (const { certificate, key } of [ada, bob]) {
      for (const secret of [certificate.publicKey, certificate.signature, key.scalar])
        expect(seen).not.toContain(toHex(secret));
    }
  });

  it('is refused from a caller that shows the certificate of another', () => {
    expect(() => play({ caller: { ...selfOf(ada), privateKey: eve.key.privateKey } })).toThrow(CryptographicError);
  });

  it('cannot be finished with a proof or a greeting from another one', () => {
    let old: Uint8Array | undefined;
    play({
      proof: (bytes) => {
        old = bytes;
        return bytes;
      },
    });
    expect(() => play({ proof: () => old! })).toThrow(CryptographicError);
    let greeting: Uint8Array | undefined;
    play({
      greetingSealed: (bytes) => {
        greeting = bytes;
        return bytes;
      },
    });
    expect(() => play({ greetingSealed: () => greeting! })).toThrow(CryptographicError);
  });
});

describe('a frame', () => {
  const { caller: keys } = play();
  const place = { session: id, by: 'caller', kind: 'frame', number: 7 } as const;
  const text = new Uint8Array([1, 2, 3]);

  it('opens in its own place only', () => {
    const sealed = sealFrame(keys, place, text);
    expect(openFrame(keys, place, sealed)).toEqual(text);
    const elsewhere = [
      { ...place, number: 8 },
      { ...place, by: 'callee' as const },
      { ...place, kind: 'query' as const },
      { ...place, session: 'cd'.repeat(16) },
    ];
    for (const other of elsewhere) expect(() => openFrame(keys, other, sealed)).toThrow(CryptographicError);
    expect(() => openFrame(play().caller, place, sealed)).toThrow(CryptographicError);
    expect(() => openFrame(keys, place, flip(0)(sealed))).toThrow(CryptographicError);
  });
});
