/** Starts the process of a contender, waits until it responds, and stops it. */
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { servingOptions } from '../../../gateway/process/memory-settings.ts'
import type { Contender, RunningContender } from './contender.ts'
import { usageReader } from './process-usage.ts'

/** Options of Node for every contender: those with which this gateway runs, or BENCH_FLAGS. */
const chosenOptions = process.env['BENCH_FLAGS']?.split(' ').filter((flag) => flag !== '')

/** Options of Node with which every contender on Node starts. */
export const nodeOptions = [
  ...['--import', new URL('node-contender.js', import.meta.url).href, '--expose-gc'],
  ...(chosenOptions ?? servingOptions),
]

/** Returns the contender that listens at the URL. The process is Node with `nodeOptions`. */
export function runningNode(
  contender: Pick<Contender, 'name' | 'executes'>,
  url: string,
  child: ChildProcess,
): RunningContender {
  const { read, restartPeak } = usageReader(child.pid!)
  return {
    ...contender,
    url,
    usage: read,
    async settle() {
      child.send('collect garbage')
      await messageOf(child)
      restartPeak()
    },
    stop: () => void (child.connected ? child.disconnect() : child.kill()),
  }
}

/** Returns the contender that listens at the URL, a program in another language. */
export function runningProgram(
  contender: Pick<Contender, 'name' | 'executes'>,
  url: string,
  child: ChildProcess,
): RunningContender {
  const { read, restartPeak } = usageReader(child.pid!)
  const stop = () => void child.kill()
  // It has no channel to this process that would be closed with it.
  process.once('exit', stop)
  return { ...contender, url, usage: read, settle: async () => restartPeak(), stop }
}

/** Returns the next message of the process. */
export function messageOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message as T)
    })
  })
}

/** Returns a port of 127.0.0.1, for programs that cannot choose one. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => void server.close(() => resolve()))
  return port
}

/** Resolves when a request to the URL has a response; throws after a minute, or when the process ends. */
export async function untilResponding(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline && child.exitCode === null) {
    const status = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{__typename}"}',
    }).then(
      (response) => response.status,
      () => 0,
    )
    if (status > 0 && status < 500) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${url} does not respond`)
}
