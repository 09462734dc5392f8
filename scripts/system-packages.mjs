/**
 * Programs that some tests need and npm cannot bring. As root on Debian, which is what continuous integration is, they are
 * installed with apt; elsewhere the tests are skipped and `npm test` says which command would enable them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './set-up.mjs';

const needed = [
  { what: 'PostgreSQL', packages: ['postgresql'], isPresent: hasPostgres },
  {
    what: 'PostgreSQL on several nodes',
    packages: ['patroni', 'etcd-server'],
    isPresent: () => isOnPath('patroni') && isOnPath('etcd'),
  },
  // Of this one only the published schema inside is used: nobody else here brings any of ISO 20022.
  {
    what: 'the published ISO 20022 schema',
    packages: ['libhbci4j-core-java', 'unzip'],
    isPresent: () => existsSync('/usr/share/java/hbci4j-core.jar') && isOnPath('unzip'),
  },
];

/** Resolves to what is still missing, each with the command that would bring it. */
export async function provideSystemPackages() {
  const missing = needed.filter(({ isPresent }) => !isPresent());
  if (missing.length > 0 && canInstall()) await install(missing);
  return needed
    .filter(({ isPresent }) => !isPresent())
    .map(({ what, packages }) => ({
      what,
      command: `sudo apt-get update && sudo apt-get install -y ${packages.join(' ')}`,
    }));
}

/** Debian keeps the server's programs out of the path, one folder a version. */
function hasPostgres() {
  const versions = '/usr/lib/postgresql';
  const folders = existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : [];
  return [...folders, ...foldersOnPath()].some(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
}

function isOnPath(program) {
  return foldersOnPath().some((folder) => existsSync(join(folder, program)));
}

function foldersOnPath() {
  return (process.env.PATH ?? '').split(delimiter);
}

function canInstall() {
  return process.getuid?.() === 0 && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
}

async function install(missing) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quietly = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  await run('apt-get', ['update', '-qq'], quietly);
  // One by one: what one distribution does not have must not keep the others away.
  for (const { packages } of missing) {
    process.stderr.write(`handsel test: installing ${packages.join(', ')} with apt-get\n`);
    const code = await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quietly);
    if (code !== 0) process.stderr.write(`handsel test: apt-get install ended with exit code ${code}\n`);
  }
}
