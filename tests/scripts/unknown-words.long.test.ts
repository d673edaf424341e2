/** What a command does not know, it refuses: one readable line, exit code 1, nothing done. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { subjectPseudonyms } from '../../gateway/telemetry/subject-pseudonym.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { startModule } from './support/run-script.ts'

const folder = scratchFolder()
writeFileSync(join(folder, 'supergraph.yaml'), 'subgraphs:\n  users: {}\n')
writeFileSync(join(folder, 'other.yaml'), 'subgraphs:\n  reviews: {}\n')

const refusals: readonly [module: string, words: readonly string[], line: string][] = [
  ['scripts/start', ['now'], "start: Unexpected argument 'now': see --help"],
  [
    'scripts/walkthrough',
    ['--format', 'html'],
    'walkthrough: --format "html" is not known: give text or json',
  ],
  [
    'scripts/walkthrough',
    ['--page', '4'],
    'walkthrough: --page "4" is not known: give 1 or 2 or 3',
  ],
  [
    'scripts/compose',
    ['--format', 'xml'],
    'compose: --format "xml" is not known: give text or json',
  ],
  [
    'scripts/compose',
    ['--config'],
    "compose: Option '--config <value>' argument missing: see --help",
  ],
  [
    'scripts/check',
    ['--default', 'maybe'],
    'check: --default "maybe" is not known: give allow or deny',
  ],
  [
    'scripts/check',
    ['--last', 'supergraph.grahpql'],
    'check: the last supergraph supergraph.grahpql is not there: name it with --last',
  ],
  [
    'scripts/check',
    ['--accept', 'gone.yaml'],
    'check: the file of accepted names gone.yaml is not there: name it with --accept',
  ],
  [
    'scripts/config',
    ['check', 'other.yaml', '--format', 'xml'],
    'config: --format "xml" is not known: give text or json',
  ],
  [
    'scripts/config',
    ['schema', '--format', 'json'],
    'config: give `schema`, `show FILE`, or `check FILE` with or without --format: see --help',
  ],
  [
    'scripts/config',
    ['chekc', 'a'],
    'config: give `schema`, `show FILE`, or `check FILE` with or without --format: see --help',
  ],
  [
    'scripts/keys',
    ['claims-key', 'any typo'],
    'keys: "any typo" is not a name for a subgraph: it starts with a letter and has at most 64 letters, digits, _ and -',
  ],
  [
    'scripts/keys',
    ['claims-key', 'reviews'],
    'keys: supergraph.yaml has no subgraph "reviews", only users: add it there, or name another list with --config',
  ],
  [
    'scripts/keys',
    ['claims-key', 'users', '--config', 'other.yaml'],
    'keys: other.yaml has no subgraph "users", only reviews: add it there, or name another list with --config',
  ],
  [
    'scripts/keys',
    ['claims-key', 'users', '--config', 'gone.yaml'],
    'keys: gone.yaml cannot be read (ENOENT): name the list with --config',
  ],
  [
    'scripts/keys',
    ['claims-key', 'users', 'more'],
    'keys: unexpected word "more" after claims-key: see --help',
  ],
  ['scripts/keys', ['list', 'all'], 'keys: unexpected word "all" after list: see --help'],
  [
    'scripts/keys',
    ['rotate', '--config', 'a'],
    'keys: --config can only be used with claims-key: see --help',
  ],
  ['scripts/keys', ['rotat'], 'keys: unknown command "rotat": see --help'],
  ['scripts/keys', ['constructor'], 'keys: unknown command "constructor": see --help'],
  [
    'scripts/admin',
    ['import', 'file.json'],
    'admin: unexpected word "file.json" after import: see --help',
  ],
  [
    'scripts/admin',
    ['create', 'ann', 'bob'],
    'admin: unexpected word "bob" after create: see --help',
  ],
  ['scripts/admin', ['toString'], 'admin: give a command: create, grant or import; see --help'],
  [
    'scripts/explain',
    ['--operation', 'gone.graphql', '--format', 'xml'],
    'explain: --format "xml" is not known: give text or json',
  ],
  [
    'scripts/explain',
    ['--operation', 'gone.graphql', '--mode', 'strict'],
    'explain: --mode "strict" is not known: give filter or reject or dry_run',
  ],
  [
    'scripts/explain-token',
    ['a.b.c', '--format', 'xml'],
    'explain-token: --format "xml" is not known: give text or json',
  ],
  [
    'scripts/explain-token',
    ['a.b.c', 'd.e.f'],
    'explain-token: there is white space in the token: give one token',
  ],
  [
    'scripts/explain-token',
    ['Bearer'],
    'explain-token: the token is missing: give it as an argument, or on standard input',
  ],
  ['scripts/bench', ['gateway', '--nope'], "bench: Unknown option '--nope': see --help"],
  [
    'gateway/main',
    ['--port', ''],
    'gateway: --port "" is not a port: give a number from 0 to 65535',
  ],
  ['subgraphs/auth/main', ['--port', '1'], "auth: Unknown option '--port': see --help"],
  ['subgraphs/users/main', ['now'], "users: Unexpected argument 'now': see --help"],
]

test.each(refusals)('%s %j is refused', async (module, words, line) => {
  const environment = { DATA_DIR: join(folder, 'data'), GATEWAY_SECRET: 'g'.repeat(32) }
  const command = startModule(module, words, environment, folder)
  const exitCode = await command.ended
  expect({ exitCode, output: command.output }).toEqual({ exitCode: 1, output: `${line}\n` })
  expect(readdirSync(folder).sort()).toEqual(['other.yaml', 'supergraph.yaml'])
})

test('a log level that is none is refused', async () => {
  const command = startModule('gateway/main', [], { LOG_LEVEL: 'loud' }, folder)
  expect(await command.ended).toBe(1)
  expect(command.stderr).toBe(
    'gateway: the configuration cannot be used:\n  - LOG_LEVEL is "loud": expected fatal, error, warn, info, debug, trace or silent\n',
  )
})

test('claims-key prints the key of a subgraph in the list, and of any without a list', async () => {
  const environment = { GATEWAY_SECRET: 'g'.repeat(32) }
  for (const words of [['users'], ['reviews', '--config', 'other.yaml']]) {
    const command = startModule('scripts/keys', ['claims-key', ...words], environment, folder)
    expect(await command.ended).toBe(0)
    expect(command.stdout).toMatch(/^[\w-]{43}\n$/)
  }
  const elsewhere = startModule('scripts/keys', ['claims-key', 'any'], environment, '/')
  expect(await elsewhere.ended).toBe(0)
})

test('log-subject prints the pseudonyms of a subject, one per secret', async () => {
  const secrets = ['g'.repeat(32), 'h'.repeat(32)]
  const environment = { GATEWAY_SECRET: secrets.join(',') }
  const command = startModule('scripts/keys', ['log-subject', 'alice'], environment, folder)
  expect(await command.ended).toBe(0)
  const expected = secrets.map((secret) => `${subjectPseudonyms(secret)('alice')}\n`)
  expect(command.stdout).toBe(expected.join(''))
})

test('explain-token reads the shipped configuration, wherever it is run', async () => {
  const command = startModule('scripts/explain-token', ['Bearer', 'a.b.c'], {}, folder)
  expect(await command.ended).toBe(1)
  expect(command.output).toContain('refused with 401')
})

test('--help after the name of a benchmark prints the usage, and measures nothing', async () => {
  const command = startModule('scripts/bench', ['gateway', '--help'], {}, folder)
  expect(await command.ended).toBe(0)
  expect(command.stdout).toMatch(/^Usage: npm run bench -- NAME/)
})
