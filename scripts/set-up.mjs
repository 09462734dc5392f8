/**
 * Brings any checkout, a fresh clone too, to the point where Handsel runs: dependencies installed, Node 24 at hand.
 * Plain JavaScript without dependencies, because it runs first, on whatever Node the machine has (18 or later).
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../', import.meta.url));
const modules = join(projectRoot, 'node_modules');
const stampFile = join(modules, '.handsel-set-up');
const lockFolder = join(projectRoot, '.handsel-set-up.lock');
const requiredMajor = 24;
/** An installation that takes longer than this was killed, and its lock may be taken over. */
const lockPatienceMs = 300_000;

/**
 * Installs what is missing and returns the path of a Node that can run the TypeScript sources.
 * Progress goes to standard error, so that standard output belongs to the command that was asked for.
 */
export async function setUp() {
  if (!isInstalled()) {
    const release = await takeLock();
    try {
      if (!isInstalled()) await install();
    } finally {
      release();
    }
  }
  const node = findNode();
  if (node === undefined) {
    throw new Error(
      `no Node ${requiredMajor} was found: the npm package "node" has no program for this machine; install Node ${requiredMajor} or later and try again`,
    );
  }
  return node;
}

/** A Node of the required version: the one npm brought, else the one running now; undefined when neither fits. */
export function findNode() {
  const brought = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(brought)) {
    const found = realpathSync(brought);
    if (found === realpathSync(process.execPath)) return process.execPath;
    const answer = spawnSync(found, ['--version'], { encoding: 'utf8' });
    if (answer.status === 0 && majorOf(answer.stdout) >= requiredMajor) return found;
  }
  return majorOf(process.version) >= requiredMajor ? process.execPath : undefined;
}

/** The environment in which `#!/usr/bin/env node` of any tool finds the Node that npm brought. */
export function toolEnvironment(extra = {}) {
  const path = [join(modules, '.bin'), process.env.PATH ?? ''].join(delimiter);
  return { ...process.env, PATH: path, ...extra };
}

/** Runs a program with our own input and output, hands signals on, and resolves to its exit code. */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: projectRoot, stdio: 'inherit', env: toolEnvironment(), ...options });
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGTERM', 'SIGHUP', 'SIGINT'];
    for (const signal of signals) process.on(signal, forward);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

/** Runs a command that a dependency put into node_modules/.bin. */
export function runTool(name, args, options = {}) {
  return run(join(modules, '.bin', name), args, options);
}

function majorOf(version) {
  return Number(/^v(\d+)\./.exec(version.trim())?.[1] ?? 0);
}

/** A digest of what decides the contents of node_modules; times of files say nothing after a clone. */
function wantedStamp() {
  const digest = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const name of ['package.json', 'package-lock.json']) {
    const file = join(projectRoot, name);
    if (existsSync(file)) digest.update(readFileSync(file));
  }
  return digest.digest('hex');
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wantedStamp() && findNode() !== undefined;
}

async function install() {
  const startedMs = Date.now();
  progress('installing dependencies with npm (once, about 20 seconds)');
  const ticker = setInterval(() => progress(`… ${Math.round((Date.now() - startedMs) / 1000)} s`), 10_000);
  // `npm install` and not `npm ci`: a lock file written against a registry that mirrors one platform's programs is refused by
  // ci. Not saving, so that set-up never leaves a changed file in the checkout. Development tools too: `npm test` needs them.
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = await runNpm(args);
  clearInterval(ticker);
  if (result.code !== 0) {
    process.stderr.write(result.output);
    throw new Error(`npm install ended with exit code ${result.code}; its output is above`);
  }
  writeFileSync(stampFile, wantedStamp());
  progress(`dependencies are in place after ${Math.round((Date.now() - startedMs) / 1000)} s`);
}

/** Runs the npm that started us where there is one, else the one on the path, keeping its output for the case of failure. */
function runNpm(args) {
  const npmProgram = process.env.npm_execpath;
  const known = npmProgram !== undefined && /npm-cli\.c?js$/.test(npmProgram);
  const [program, first] = known ? [process.execPath, [npmProgram]] : ['npm', []];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...first, ...args], {
      cwd: projectRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: program === 'npm' && process.platform === 'win32',
    });
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    child.stderr.on('data', (text) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Two commands started at once on a fresh clone must not both install: making a folder succeeds for one of them only. */
async function takeLock() {
  for (;;) {
    try {
      mkdirSync(lockFolder);
      return () => rmSync(lockFolder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (lockAgeMs() > lockPatienceMs) rmSync(lockFolder, { recursive: true, force: true });
      else await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

function lockAgeMs() {
  try {
    return Date.now() - statSync(lockFolder).mtimeMs;
  } catch {
    return 0;
  }
}

function progress(line) {
  process.stderr.write(`handsel set-up: ${line}\n`);
}
