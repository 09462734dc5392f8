/** docs/payment-method.md shows what the code says: each example stands there as it is made. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { paymentExamples } from './payment-examples.ts';
import { streamExamples } from './stream-examples.ts';

const document = readFileSync(new URL('../../docs/payment-method.md', import.meta.url), 'utf8');

test.each(Object.entries({ ...(await paymentExamples()), ...(await streamExamples()) }))(
  'the example "%s" stands in the document',
  (name, example) => {
    const block = new RegExp(`<!-- example: ${name} -->\n\`\`\`[a-z]*\n([^]*?)\n\`\`\``).exec(document)?.[1];
    expect(block).toBe(example);
  },
);
