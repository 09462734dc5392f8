/** pkijs as a second independent judge of CMS. */
import { createPrivateKey } from 'node:crypto';
import * as pkijs from 'pkijs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { DATA } from '../../../src/pki/cms/content-info.ts';
import { envelopData, openEnvelopedData } from '../../../src/pki/cms/enveloped-data.ts';
import { signData } from '../../../src/pki/cms/sign-data.ts';
import { type OpensslFolder, openOpensslFolder } from './openssl.ts';

const content = utf8('judged twice');
let openssl: OpensslFolder;
beforeAll(() => {
  openssl = openOpensslFolder();
});
afterAll(() => openssl.remove());

const kinds = ['ec', 'rsa'] as const;
const arrayBuffer = (bytes: Uint8Array) => new Uint8Array(bytes).buffer;
const pkcs8 = (kind: 'ec' | 'rsa') =>
  arrayBuffer(createPrivateKey(Buffer.from(openssl.read(`${kind}.key`))).export({ format: 'der', type: 'pkcs8' }));

describe('pkijs', () => {
  it.each(kinds)('verifies what we sign with %s, and not when the content changes', async (kind) => {
    const { certificate, privateKey } = openssl[kind];
    const signers = [{ identity: { certificate }, privateKey }];
    const message = signData({ contentType: DATA, content, signers, certificates: [certificate] });
    const verify = (bytes: Uint8Array) =>
      new pkijs.SignedData({ schema: pkijs.ContentInfo.fromBER(arrayBuffer(bytes)).content })
        .verify({ signer: 0, checkChain: false })
        .catch(() => false);
    expect(await verify(message)).toBe(true);
    message[Buffer.from(message).indexOf(content)]! ^= 1;
    expect(await verify(message)).toBe(false);
  });

  it.each(kinds)('opens EnvelopedData of ours for %s', async (kind) => {
    const { certificate } = openssl[kind];
    const message = envelopData({ contentType: DATA, content, recipients: [certificate], random: systemRandom });
    const enveloped = new pkijs.EnvelopedData({ schema: pkijs.ContentInfo.fromBER(arrayBuffer(message)).content });
    const recipientCertificate = pkijs.Certificate.fromBER(arrayBuffer(certificate));
    const opened = await enveloped.decrypt(0, { recipientCertificate, recipientPrivateKey: pkcs8(kind) });
    expect(new Uint8Array(opened)).toEqual(content);
  });

  it.each(kinds)('makes EnvelopedData for %s that we open', async (kind) => {
    const enveloped = new pkijs.EnvelopedData({ disableSplit: true });
    const certificate = pkijs.Certificate.fromBER(arrayBuffer(openssl[kind].certificate));
    enveloped.addRecipientByCertificate(certificate, {
      oaepHashAlgorithm: 'SHA-256',
      kdfAlgorithm: 'SHA-256',
      kekEncryptionLength: 256,
    });
    await enveloped.encrypt({ name: 'AES-CBC', length: 256 }, arrayBuffer(content));
    const schema = new pkijs.ContentInfo({
      contentType: pkijs.ContentInfo.ENVELOPED_DATA,
      content: enveloped.toSchema(),
    });
    const message = new Uint8Array(schema.toSchema().toBER());
    expect(openEnvelopedData(message, { contentType: DATA, recipients: [openssl[kind]] })).toEqual(content);
  });
});
