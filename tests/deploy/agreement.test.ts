/** The three ways of deployment start the same processes, with settings that those know. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { memoryEnvironment } from '../../gateway/process/memory-settings.ts'
import { runCompiled } from '../support/run-compiled.ts'
import { composeFile, deployedProcesses, deployFolder, processNames } from './deployed-processes.ts'
import type { ProcessName } from './deployed-processes.ts'

const processes = deployedProcesses()
const table = processes.map((process) => [`${process.name} (${process.way})`, process] as const)

/** In seconds: the announcement and the end of requests, http.drain and DRAIN_* at their defaults. */
const drain = 5 + 25

/** What a process reads of its environment, and what the files in deploy/config read. */
const known = new Map<ProcessName, Set<string>>()

beforeAll(() => {
  const config = ['gateway.yaml', 'supergraph.yaml']
    .map((file) => readFileSync(join(deployFolder, 'config', file), 'utf8'))
    .flatMap((text) => [...text.matchAll(/\$\{env\.([A-Z_]+)/g)].map(([, name]) => name!))
  for (const name of processNames) {
    const { stdout } = spawnSync(
      process.execPath,
      runCompiled('scripts/portcullis', name, '--help'),
      {
        encoding: 'utf8',
      },
    )
    const ofHelp = [...stdout.matchAll(/\b[A-Z][A-Z_]{3,}\b/g)].map(([word]) => word)
    // Those of the allocator are read by the C library.
    const ofAllocator = Object.keys(memoryEnvironment)
    known.set(name, new Set([...ofHelp, ...ofAllocator, ...(name === 'gateway' ? config : [])]))
  }
})

describe.each(table)('%s', (_, deployed) => {
  test('runs its command', () => {
    expect(deployed.words[0]).toBe(deployed.name)
  })

  test('has only settings that the process knows', () => {
    const unknown = Object.keys(deployed.environment).filter(
      (name) => !known.get(deployed.name)!.has(name),
    )
    expect(unknown).toEqual([])
  })

  test('gets every secret as a file, and each file is named by a setting', () => {
    const files = Object.entries(deployed.environment).filter(([name]) => name.endsWith('_FILE'))
    expect(files.map(([, path]) => path).sort()).toEqual(
      deployed.secrets.map((secret) => `${deployed.secretsFolder}/${secret}`).sort(),
    )
    const inClear = Object.keys(deployed.environment).filter((name) =>
      /SECRET$|KEY$|PASSWORD|DATABASE_URL$|MAIL_URL$/.test(name),
    )
    expect(inClear).toEqual([])
  })

  test('may take longer to stop than it takes at most', () => {
    expect(deployed.grace).toBeGreaterThanOrEqual(drain + 5)
  })
})

test('each process has the same secrets everywhere, and make-secrets.sh makes them', () => {
  const made = readFileSync(join(deployFolder, 'make-secrets.sh'), 'utf8')
  for (const name of processNames) {
    const lists = processes
      .filter((each) => each.name === name)
      .map(({ secrets }) => [...secrets].sort())
    expect(lists).toEqual([lists[0], lists[0], lists[0]])
    for (const secret of lists[0]!) {
      expect(made.replaceAll('$subgraph', name)).toContain(`put ${secret}`.replace(/^put /, ''))
    }
  }
  expect(
    Object.keys(composeFile().secrets).filter(
      (name) => !made.includes(name.replace(/^(auth|users)-(claims|database)/, '$subgraph-$2')),
    ),
  ).toEqual([])
})

test('the processes of a way run the same image', () => {
  for (const way of ['compose', 'kubernetes']) {
    const images = processes.filter((each) => each.way === way).map(({ image }) => image)
    expect(new Set(images).size).toBe(1)
  }
  expect(composeFile().services.supergraph?.image).toBe(composeFile().services.gateway?.image)
})
