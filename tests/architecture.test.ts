/** The code keeps to the drawing: see tests/architecture/arrows.ts. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { optionalPackages } from '../subgraphs/kit/process/optional-packages.ts'
import { arrows } from './architecture/arrows.ts'
import { importsOf, packageImportsOf, readSources } from './architecture/imports.ts'
import type { Sources } from './architecture/imports.ts'
import { emptyNamesIn, forbiddenImports, importCycles } from './architecture/violations.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const sources = readSources(root, ['gateway', 'subgraphs', 'scripts', 'tests'])
const imports = importsOf(sources)

test('imports follow the arrows', () => {
  expect(sources.size).toBeGreaterThan(100)
  expect(forbiddenImports(imports, arrows)).toEqual([])
})

test('everything that is imported is there', () => {
  const missing = imports.filter(({ to }) => !sources.has(to))
  expect(missing).toEqual([])
})

test('imports form no circle', () => {
  expect(importCycles(imports)).toEqual([])
})

test('no file or folder has a name that says nothing', () => {
  expect(emptyNamesIn(sources.keys())).toEqual([])
})

test('no test keeps the others of its file from running', () => {
  const focused = [...sources].filter(([, text]) => /\b(test|describe)\.only\b/.test(text))
  expect(focused.map(([file]) => file)).toEqual([])
})

test('only the page imports what browsers run', () => {
  const isOfPage = (file: string) => file.startsWith('gateway/console/')
  const outside = imports.filter(({ from, to }) => isOfPage(to) && !isOfPage(from))
  expect(outside.filter(({ from }) => !from.startsWith('tests/'))).toEqual([])
})

test('at most five files are at the top of gateway/', () => {
  const top = [...sources.keys()].filter((file) => /^gateway\/[^/]+$/.test(file))
  expect(top.sort()).toEqual([
    'gateway/client-request.ts',
    'gateway/errors.ts',
    'gateway/gateway.ts',
    'gateway/main.ts',
    'gateway/slices.ts',
  ])
})

test('@apollo/server serves subgraphs, and the gateway does without it', () => {
  const users = packageImportsOf(filesIn('gateway'))
  expect(users.filter(({ name }) => name.startsWith('@apollo/server'))).toEqual([])
})

interface Manifest {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  overrides?: Record<string, string>
  peerDependencies?: Record<string, string>
}

function readManifest(manifest: string): Manifest {
  return JSON.parse(readFileSync(`${root}${manifest}`, 'utf8')) as Manifest
}

function undeclared(files: Sources, manifest: string): string[] {
  const { dependencies, optionalDependencies, peerDependencies } = readManifest(manifest)
  const declared = { ...dependencies, ...optionalDependencies, ...peerDependencies }
  return packageImportsOf(files)
    .filter(({ name }) => !(name in declared))
    .map(({ from, name }) => `${from} imports ${name}`)
}

function filesIn(...folders: string[]): Sources {
  const inside = (file: string) => folders.some((folder) => file.startsWith(`${folder}/`))
  return new Map([...sources].filter(([file]) => inside(file)))
}

test('what runs in production needs no development dependency', () => {
  const built = [...filesIn('gateway', 'subgraphs', 'scripts')].filter(
    // What browsers run is bundled when it is built.
    ([file]) => !/^(scripts\/(bench|fuzz)|gateway\/console\/)/.test(file),
  )
  expect(undeclared(new Map(built), 'package.json')).toEqual([])
})

test('auth and users look for all optional packages, which the gateway does without', () => {
  const { optionalDependencies = {}, overrides = {} } = readManifest('package.json')
  const declared = Object.keys(optionalDependencies).filter((name) => !(name in overrides))
  expect(optionalPackages).toEqual(declared)
  const users = packageImportsOf(filesIn('gateway')).filter(({ name }) => declared.includes(name))
  expect(users).toEqual([])
})

test('the kit needs nothing but what its own package declares', () => {
  expect(undeclared(filesIn('subgraphs/kit'), 'subgraphs/kit/package.json')).toEqual([])
})

test.each([
  ['gateway/execution/send.ts', "import { cookiesFor } from '../forwarding/cookies.ts'"],
  ['gateway/operations/prepare.ts', "import type { Guard } from '../authorization/guards.ts'"],
  ['gateway/graphql/fragments.ts', "import { GatewayError } from '../errors.ts'"],
  ['gateway/http/send.ts', "import { plan } from '../planning/plan.ts'"],
  ['gateway/http/send.ts', "import type { Plan } from '../planning/plan.ts'"],
  ['gateway/http/send.ts', "export * from '../gateway.ts'"],
  ['gateway/console/app.tsx', "import type { Guard } from '../authorization/guards.ts'"],
  ['gateway/gateway.ts', "const { x } = await import('../subgraphs/auth/x.ts')"],
  ['gateway/gateway.ts', "let x: import('../subgraphs/users/x.ts').X"],
  ['subgraphs/auth/login.ts', "import '../users/profiles.ts'"],
  ['subgraphs/users/main.ts', "import '../../gateway/errors.ts'"],
  ['subgraphs/kit/guards.ts', "import '../storage/migrate.ts'"],
  ['subgraphs/storage/migrate.ts', "import '../kit/index.ts'"],
  ['gateway/main.ts', "import '../scripts/command.ts'"],
  ['subgraphs/kit/guards.ts', "export { x } from '../../tests/x.ts'"],
  ['elsewhere/x.ts', "import '../gateway/errors.ts'"],
])('an import against the arrows would be found: %s: %s', (file, text) => {
  expect(forbiddenImports(importsOf(new Map([[file, text]])), arrows)).toHaveLength(1)
})

test('a circle and an empty name would be found', () => {
  const circle = new Map([
    ['gateway/http/a.ts', "import './b.ts'"],
    ['gateway/http/b.ts', "import type { C } from './c.ts'"],
    ['gateway/http/c.ts', "export * from './a.ts'"],
    ['gateway/http/d.ts', "import './a.ts'"],
  ])
  expect(importCycles(importsOf(circle))).toEqual([
    'gateway/http/a.ts -> gateway/http/b.ts -> gateway/http/c.ts -> gateway/http/a.ts',
  ])
  expect(emptyNamesIn(['gateway/utils/a.ts', 'gateway/common.ts', 'gateway/a-common.ts'])).toEqual([
    'gateway/utils/a.ts',
    'gateway/common.ts',
  ])
})
