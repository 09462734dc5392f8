/** A file's name becomes a number that a person still recognises. */
import { expect, test } from 'vitest';
import { skuOf } from '../../../src/party/merchant/sku-of.ts';

test('letters lose their accents, not themselves', () => {
  expect(skuOf('schöne Grüße')).toBe('schone-grusse');
  expect(skuOf('Übung_2 (neu).v1')).toBe('ubung_2-neu-.v1');
});
