/** The authorities of one brand under one root: brand CA, perhaps a geopolitical CA, then the CAs of cardholders, merchants and gateways. */
import type { Random } from '../../crypto/random.ts';
import { makeName, type Name } from '../../pki/name.ts';
import type { CertificateType } from '../message/certificate-extensions.ts';
import type { BrandOptions } from './agency.ts';
import { type Authority, type AuthorityRole, createAuthority } from './authority.ts';
import { authorityEncryptionProfile, authorityProfile, lifetimes } from './profile.ts';

const endEntityCas: readonly {
  readonly role: AuthorityRole;
  readonly type: CertificateType;
  readonly title: string;
}[] = [
  { role: 'cardholder-ca', type: 'cardholderCa', title: 'Cardholder CA' },
  { role: 'merchant-ca', type: 'merchantCa', title: 'Merchant CA' },
  { role: 'gateway-ca', type: 'gatewayCa', title: 'Payment Gateway CA' },
];

export interface BrandAuthoritiesOptions {
  readonly brand: BrandOptions;
  readonly root: Authority;
  readonly notBeforeMs: number;
  readonly random: Random;
}

export function createBrandAuthorities(options: BrandAuthoritiesOptions): readonly Authority[] {
  const { brand, root, notBeforeMs, random } = options;
  const { brandId, country, region } = brand;
  const { generation } = root;
  const place = (role: AuthorityRole) => ({ id: `${brandId}.${role}-${generation}`, role, brandId, generation });
  const named = (title: string): Name => makeName({ C: country, O: brandId, CN: `${brandId} ${title} ${generation}` });

  const brandCa = createAuthority(place('brand'), {
    issuer: root,
    subject: named('Brand CA'),
    notBeforeMs,
    lifetimeMs: lifetimes.brand.certificateMs,
    extensions: authorityProfile(['brandCa'], 'brand', notBeforeMs, region === undefined ? 1 : 2),
    random,
  });
  const regional =
    region === undefined
      ? []
      : [
          createAuthority(place('geopolitical'), {
            issuer: brandCa,
            subject: named(`${region} Geopolitical CA`),
            notBeforeMs,
            lifetimeMs: lifetimes.geopolitical.certificateMs,
            extensions: authorityProfile(['geopoliticalCa'], 'geopolitical', notBeforeMs, 1),
            random,
          }),
        ];
  const issuer = regional[0] ?? brandCa;
  const cas = endEntityCas.map(({ role, type, title }) =>
    createAuthority(place(role), {
      issuer,
      subject: named(title),
      notBeforeMs,
      lifetimeMs: lifetimes[role].certificateMs,
      extensions: authorityProfile([type], role, notBeforeMs, 0),
      encryptionExtensions: authorityEncryptionProfile([type]),
      random,
    }),
  );
  return [brandCa, ...regional, ...cas];
}
