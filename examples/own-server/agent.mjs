// An agent that pays for what it asks, within a limit: deposits are opened, followed by others and closed without a word about it here.
import { parseArgs } from 'node:util';
import { openPurse } from 'handsel';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string' },
    limit: { type: 'string', default: '0.10EUR' },
    times: { type: 'string', default: '3' },
    stream: { type: 'string' },
  },
});
const purse = await openPurse({ config: values.config, limit: values.limit, maxPrice: '0.001EUR' });
try {
  for (const url of positionals) {
    for (let time = 0; time < Number(values.times); time++) {
      const response = await purse.payingFetch(url);
      process.stdout.write(`${response.status} ${await response.text()}`);
    }
  }
  if (values.stream !== undefined) {
    const stream = await purse.payingStream(values.stream);
    let count = 0;
    for await (const message of stream) {
      process.stdout.write(`${message}\n`);
      // Leaving the loop ends the stream, and pays what is owed.
      if (++count === 20) break;
    }
  }
} catch (error) {
  process.stderr.write(`agent: ${error.message} (${error.code})\n`);
  process.exitCode = 1;
} finally {
  await purse.close();
}
