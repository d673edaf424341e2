#!/usr/bin/env node
/** `portcullis COMMAND`: runs a command of the product. The npm scripts call the same. */
import { readFileSync } from 'node:fs'
import { shippedFile } from '../gateway/configuration/shipped-config.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'
import { keepCompiledCode } from './portcullis/keep-compiled-code.ts'
import { likelyMeant } from './portcullis/likely-meant.ts'

interface Command {
  /** What it does, for the list of commands. */
  readonly summary: string
  /** Its module runs when it is loaded, and reads the command line that is left. */
  load(): Promise<unknown>
  /** Whether it is a process that serves, with a folder for its data. */
  readonly serves?: true
}

const commands: Readonly<Record<string, Command>> = {
  start: {
    summary: 'runs auth, users and the gateway on this machine, for development',
    load: () => import('./start.ts'),
    serves: true,
  },
  gateway: {
    summary: 'serves a supergraph',
    load: () => import('../gateway/main.ts'),
    serves: true,
  },
  auth: {
    summary: 'serves accounts, logins and access tokens',
    load: () => import('../subgraphs/auth/main.ts'),
    serves: true,
  },
  users: {
    summary: 'serves userData',
    load: () => import('../subgraphs/users/main.ts'),
    serves: true,
  },
  compose: {
    summary: 'composes supergraph.yaml into supergraph.graphql',
    load: () => import('./compose.ts'),
  },
  check: {
    summary: 'finds missing guards, mistyped names and breaking changes',
    load: () => import('./check.ts'),
  },
  explain: {
    summary: 'reports what a caller may see of an operation, and why',
    load: () => import('./explain.ts'),
  },
  'explain-token': {
    summary: 'reports how the gateway would judge a token',
    load: () => import('./explain-token.ts'),
  },
  config: {
    summary: 'checks a gateway.yaml, or prints its JSON Schema',
    load: () => import('./config.ts'),
  },
  keys: {
    summary: 'claims keys, signing keys of auth, keys that sign supergraphs',
    load: () => import('./keys.ts'),
  },
  admin: {
    summary: 'creates the first administrator, grants roles, imports accounts',
    load: () => import('./admin.ts'),
  },
  walkthrough: {
    summary: 'runs the twelve steps from login to refusal',
    load: () => import('./walkthrough.ts'),
  },
}

const usage = `
Usage: portcullis COMMAND [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`)
  .join('\n')}

  --version      prints the version
  --help         prints this text; after a command, what that command does and its options
`

const [name] = process.argv.slice(2)
const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
if (command) {
  // Each command reads its own options: its name is removed.
  process.argv.splice(2, 1)
  if (command.serves) keepCompiledCode(process.env)
  await command.load()
} else {
  runCommand('portcullis', async () => withoutCommand(name))
}

function withoutCommand(word: string | undefined): void {
  if (word === '--help' || word === '-h') return console.log(usage.trim())
  if (word === '--version') return console.log(version())
  if (word === undefined) throw new StartFailure('the command is missing: see --help')
  const meant = likelyMeant(word, Object.keys(commands))
  const suggestion = meant === undefined ? '' : `did you mean ${meant}? `
  throw new StartFailure(`unknown command ${JSON.stringify(word)}: ${suggestion}see --help`)
}

function version(): string {
  const manifest = readFileSync(shippedFile('package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
