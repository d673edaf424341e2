/** The system when something ends before its time: a process of it, or the one that started all. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { send } from '../../scripts/walkthrough/send.ts'
import { sameSignal } from '../../subgraphs/kit/process/run-process.ts'
import { startScript } from '../scripts/support/run-script.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import {
  childrenOf,
  endsByCtrlC,
  freePorts,
  isRunning,
  startedSystem,
} from './support/started-system.ts'
import type { StartedSystem } from './support/started-system.ts'

const dataDirectory = join(scratchFolder(), 'data')
const running = new Set<StartedSystem>()
let system: StartedSystem
let token: string

async function start(ports: Readonly<Record<string, string>> = {}): Promise<StartedSystem> {
  const started = await startedSystem(dataDirectory, ports)
  running.add(started)
  return started
}

beforeAll(async () => {
  system = await start()
  const query = 'mutation { login(username: "alice", password: "secret") { token } }'
  const { data } = await send(system.urls.gateway, { query })
  token = (data as any).login.token
})

afterAll(async () => {
  for (const { run } of running) run.process.kill('SIGTERM')
  for (const { run } of running) await run.ended
})

test('a process that crashes is reported by name and takes the rest down', async () => {
  const { run, processIds } = system
  process.kill(processIds.users, 'SIGKILL')
  expect(await run.ended).toBe(1)
  expect(run.stderr).toContain('start: users ended unexpectedly (SIGKILL); the others are stopped')
  expect(Object.values(processIds).filter(isRunning)).toEqual([])
})

test('after a crash no account and no key is lost; Ctrl-C stops all processes, exit code 0', async () => {
  // Tokens name the place of their status list, and the issuer: auth comes back where and as it was.
  const again = await start({
    AUTH_PORT: new URL(system.urls.auth).port,
    TOKEN_ISSUER: 'http://127.0.0.1:4001',
  })
  const answer = await send(again.urls.gateway, { query: '{ userData { id name } }' }, token)
  expect(answer).toMatchObject({ status: 200, data: { userData: { id: '1', name: 'Alice' } } })
  await endsByCtrlC(again)
})

test('no process is left when the one that started them is killed while they start', async () => {
  const run = startScript('start', [], { DATA_DIR: dataDirectory, ...freePorts })
  await until(() => childrenOf(run.process.pid!).length >= 2)
  const children = childrenOf(run.process.pid!).map(({ processId }) => processId)
  run.process.kill('SIGKILL')
  await until(() => !children.some(isRunning))
})

test('Ctrl-C while it starts is a clean stop too', async () => {
  const run = startScript('start', [], { DATA_DIR: dataDirectory, ...freePorts })
  await until(() => childrenOf(run.process.pid!).length >= 2)
  run.process.kill('SIGINT')
  expect(await run.ended).toBe(0)
  expect(run.stderr).toBe('')
})

test('a second Ctrl-C ends all processes at once, whatever they are responding to', async () => {
  const stuck = await start()
  const socket = connect(Number(new URL(stuck.urls.gateway).port), '127.0.0.1')
  socket.on('error', () => {})
  // A request whose body never ends.
  socket.write('POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{')
  await once(socket, 'connect')
  const { run, processIds } = stuck
  const started = performance.now()
  run.process.kill('SIGINT')
  // By then it has had the first one.
  await until(() =>
    fetch(new URL('/ready', stuck.urls.gateway)).then(
      ({ ok }) => !ok,
      () => true,
    ),
  )
  await setTimeout(sameSignal)
  expect(Object.values(processIds).filter(isRunning)).not.toEqual([])
  run.process.kill('SIGINT')
  expect(await run.ended).toBe(0)
  expect(performance.now() - started).toBeLessThan(5_000)
  expect(Object.values(processIds).filter(isRunning)).toEqual([])
  socket.destroy()
})
