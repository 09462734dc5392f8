/**
 * A ticket as an Apple Wallet pass: an archive of `pass.json`, pictures, `manifest.json` with the SHA-1 digest of each (the format asks for that
 * one), and over the manifest a detached PKCS #7 signature. The wallet takes a pass only from a pass type that Apple has certified.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { zipSync } from 'fflate';
import { encodeDer, nullValue } from '../../codec/der.ts';
import { utf8 } from '../../codec/hex.ts';
import { isRsa } from '../../crypto/rsa.ts';
import { HandselError } from '../../handsel-error.ts';
import { signData } from '../../pki/cms/sign-data.ts';
import { signWith } from '../../pki/cms/signature-suite.ts';
import { pngOf } from './ticket-symbol.ts';
import type { TicketView } from './ticket-view.ts';

export interface PassSigner {
  /** DER. */
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
  /** DER, of whoever is above it: Apple's for real passes. */
  readonly issuers: readonly Uint8Array[];
  /** As the certificate's subject has them. */
  readonly passType: string;
  readonly team: string;
}

export type Barcode = 'qr' | 'pdf417';

export interface TicketPass {
  readonly ticket: TicketView;
  /** Of the code, or a reference. */
  readonly letters: string;
  readonly barcode: Barcode;
  /** ISO 8601, of the code. */
  readonly until?: string | undefined;
  readonly signer: PassSigner;
  readonly signedAt: Date;
}

const formats = { qr: 'PKBarcodeFormatQR', pdf417: 'PKBarcodeFormatPDF417' } as const;
/** What a PDF417 symbol holds of text (ISO/IEC 15438) with some correction left. */
const maxPdf417Letters = 1700;

/** Data, of RFC 5652. */
const DATA = '1.2.840.113549.1.7.1';

/** The archive. @throws HandselError `CODE_TOO_LONG` */
export function ticketPass(pass: TicketPass): Uint8Array {
  const { barcode, letters, signer, signedAt } = pass;
  if (barcode === 'pdf417' && letters.length > maxPdf417Letters) {
    throw new HandselError('CODE_TOO_LONG', 'this ticket does not fit into a PDF417 symbol: take a QR symbol');
  }
  const files: Record<string, Uint8Array> = {
    'pass.json': utf8(JSON.stringify(passJson(pass), null, 2)),
    'icon.png': icon(1),
    'icon@2x.png': icon(2),
    'logo.png': icon(2),
  };
  const digests = Object.entries(files).map(([name, content]) => [name, sha1(content)]);
  const manifest = utf8(JSON.stringify(Object.fromEntries(digests), null, 2));
  const signature = signManifest(manifest, signer, signedAt);
  return zipSync({ ...files, 'manifest.json': manifest, signature }, { mtime: signedAt });
}

const sha1 = (content: Uint8Array): string => createHash('sha1').update(content).digest('hex');

function signManifest(manifest: Uint8Array, { certificate, privateKey, issuers }: PassSigner, signedAt: Date) {
  return signData({
    ...{ contentType: DATA, content: manifest, detached: true },
    signers: [{ identity: { certificate }, privateKey, signingTime: signedAt, suite: suiteOf }],
    certificates: [certificate, ...issuers],
  });
}

/** Passes are signed with RSA as PKCS #1 version 1.5 has it (RFC 3370 section 3.2), which our own suite does not use. */
function suiteOf(privateKey: KeyObject, data: Uint8Array) {
  if (!isRsa(privateKey)) return signWith(privateKey, data);
  const algorithm = { algorithm: '1.2.840.113549.1.1.1', parameters: encodeDer(nullValue(), null) };
  return { algorithm, signature: new Uint8Array(sign('sha256', data, privateKey)) };
}

interface Field {
  readonly key: string;
  readonly label: string;
  readonly value: string;
}

function passJson({ ticket, letters, barcode, until, signer }: TicketPass): object {
  const { id, title, issuer, fields } = ticket;
  const begins = textOf(fields.at ?? fields.departureAt);
  return {
    formatVersion: 1,
    passTypeIdentifier: signer.passType,
    teamIdentifier: signer.team,
    ...{ serialNumber: id, organizationName: issuer, description: title, logoText: issuer },
    ...{ foregroundColor: 'rgb(20,20,20)', backgroundColor: 'rgb(245,240,225)', labelColor: 'rgb(90,80,60)' },
    ...(begins !== undefined && { relevantDate: begins }),
    ...(until !== undefined && { expirationDate: until }),
    barcodes: [{ format: formats[barcode], message: letters, messageEncoding: 'iso-8859-1', altText: id.slice(0, 8) }],
    ...styleOf(ticket),
  };
}

function styleOf(ticket: TicketView): object {
  const { type, title, fields } = ticket;
  const field = (key: string, label: string): readonly Field[] => {
    const value = textOf(fields[key]);
    return value === undefined ? [] : [{ key, label, value }];
  };
  const backFields = Object.keys(fields).flatMap((key) => field(key, key));
  if (type === 'transportation') {
    return {
      boardingPass: {
        transitType: 'PKTransitTypeGeneric',
        headerFields: field('tripNumber', 'TRIP'),
        primaryFields: [...field('departurePlace', 'FROM'), ...field('arrivalPlace', 'TO')],
        secondaryFields: [...field('departureAt', 'DEPARTS'), ...field('arrivalAt', 'ARRIVES')],
        auxiliaryFields: [...field('carrier', 'CARRIER'), ...field('price', 'PAID')],
        backFields,
      },
    };
  }
  if (type === 'event') {
    return {
      eventTicket: {
        primaryFields: field('event', 'EVENT'),
        secondaryFields: [...field('location', 'PLACE'), ...field('at', 'TIME')],
        auxiliaryFields: [...field('seat', 'SEAT'), ...field('price', 'PAID')],
        backFields,
      },
    };
  }
  return { generic: { primaryFields: [{ key: 'title', label: type.toUpperCase(), value: title }], backFields } };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

const ICON = 29;

/** A dark ticket with two notches. */
function icon(scale: number): Uint8Array {
  const middle = (ICON - 1) / 2;
  const rows = Array.from({ length: ICON }, (_, y) =>
    Array.from({ length: ICON }, (_, x) => {
      const inside = y >= 6 && y <= ICON - 7 && x >= 2 && x <= ICON - 3;
      const notch = Math.hypot(y - middle, Math.min(Math.abs(x - 2), Math.abs(x - (ICON - 3)))) < 4;
      return inside && !notch;
    }),
  );
  return pngOf(rows, scale);
}
