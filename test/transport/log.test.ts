import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { HandselError } from '../../src/handsel-error.ts';
import { createLog } from '../../src/transport/log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  write(
    createLog({
      name: 'test',
      level: 'debug',
      destination: {
        write: (line: string) => {
          text += line;
        },
      },
    }),
  );
  return text;
}

const PAN = '4111111111111111';

describe('the log', () => {
  test('writes facts and a sentence as one line of JSON', () => {
    const line = JSON.parse(logged((log) => log.child({ order: 'A1' }).info({ bytes: 12, code: 'X' }, 'sent')));
    expect(line).toMatchObject({ name: 'test', order: 'A1', bytes: 12, code: 'X', msg: 'sent' });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test.each([
    'pan',
    'PAN',
    'cardPan',
    'panSecret',
    'pan_secret',
    'password',
    'newPassword',
    'passphrase',
    'privateKey',
    'private-key',
    'key',
    'token',
    'sealedToken',
    'authorisationCode',
    'pin',
    'privateKeyPem',
    'authorization',
    'body',
  ])('never shows a member called %s, however deep or in a child', (name) => {
    const secret = 'hunter2-secret';
    const text = logged((log) => {
      log.info({ [name]: secret }, 'flat');
      log.info({ a: { b: [{ [name]: secret }] } }, 'deep');
      log.child({ [name]: secret }).info({}, 'child');
      log.error({ err: new HandselError('X', 'x', { detail: { [name]: secret } }) }, 'error');
      log.error({ err: new Error('outer', { cause: { [name]: secret } }) }, 'cause');
    });
    expect(text.split('\n')).toHaveLength(6);
    expect(text).not.toContain('hunter2');
  });

  test.each([
    ['a text', (log: ReturnType<typeof createLog>) => log.info({}, `card ${PAN} refused`)],
    ['a text in groups', (log: ReturnType<typeof createLog>) => log.info({}, 'card 4111 1111 1111 1111 refused')],
    ['a fact', (log: ReturnType<typeof createLog>) => log.info({ card: PAN }, 'x')],
    ['a number', (log: ReturnType<typeof createLog>) => log.info({ card: Number(PAN), other: BigInt(PAN) }, 'x')],
    ['an error', (log: ReturnType<typeof createLog>) => log.error({ err: new Error(PAN) }, 'x')],
    [
      'a cause',
      (log: ReturnType<typeof createLog>) => log.error({ err: new Error('x', { cause: new Error(PAN) }) }, 'x'),
    ],
  ])('never shows a card number in %s', (_, write) => {
    const text = logged(write);
    expect(text).toContain('[hidden]');
    expect(text.replaceAll(' ', '')).not.toContain(PAN);
  });

  test('never shows bytes or keys, whatever they are called', () => {
    const text = logged((log) =>
      log.info(
        { x: Buffer.from('hunter2'), y: createSecretKey(Buffer.from('hunter2')), z: new Map([['a', 'hunter2']]) },
        'x',
      ),
    );
    expect(JSON.parse(text)).toMatchObject({ x: '[7 bytes]', y: '[hidden]', z: '[1 entries]' });
  });

  test('leaves times and counts readable', () => {
    expect(JSON.parse(logged((log) => log.info({ atMs: 1_795_258_883_001, minor: 12_345n }, 'x')))).toMatchObject({
      atMs: 1_795_258_883_001,
      minor: '12345',
    });
  });

  test('shows an error with its code and all its causes', () => {
    const cause = new HandselError('INNER', 'inner', { cause: new Error('root') });
    const { err } = JSON.parse(logged((log) => log.error({ err: new HandselError('OUTER', 'outer', { cause }) }, 'x')));
    expect(err).toMatchObject({ code: 'OUTER', cause: { code: 'INNER', cause: { message: 'root' } } });
  });

  test('survives a fact that contains itself', () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(logged((log) => log.info({ loop }, 'x'))).toContain('[deeper]');
  });
});
