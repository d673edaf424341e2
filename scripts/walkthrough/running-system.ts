/** The system for the walkthrough: the running one, or a temporary one. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { startSystem } from '../start/start-system.ts'
import type { SystemUrls } from '../start/start-system.ts'
import { supervisor } from '../start/supervisor.ts'

export interface System {
  readonly urls: SystemUrls
  readonly environment: Environment
  /** Stops the temporary system. */
  close(): Promise<void>
}

/** Returns the system at the ports of the environment; if none is running, a new one. */
export async function runningSystem(environment: Environment): Promise<System> {
  const urls = urlsOf(environment)
  if (!(await isAlive(urls.gateway))) return temporarySystem(environment)
  for (const name of ['auth', 'users'] as const) {
    if (await isAlive(urls[name])) continue
    throw new StartFailure(
      `the gateway responds at ${urls.gateway}, but ${name} does not at ${urls[name]}: ` +
        'give the ports of the running system in AUTH_PORT and USERS_PORT',
    )
  }
  return { urls, environment, close: async () => {} }
}

function urlsOf(environment: Environment): SystemUrls {
  const settings = readSettings(environment)
  const host = settings.text('HOST', '127.0.0.1')
  const url = (port: number) => `http://${host.includes(':') ? `[${host}]` : host}:${port}/graphql`
  const urls = {
    gateway: url(settings.port('GATEWAY_PORT', 4000)),
    auth: url(settings.port('AUTH_PORT', 4001)),
    users: url(settings.port('USERS_PORT', 4002)),
  }
  settings.refuseProblems()
  return urls
}

async function isAlive(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(2_000) })
    return ((await response.json()) as { status?: unknown }).status === 'alive'
  } catch {
    return false
  }
}

/** On free ports, with its own data, which is deleted afterwards. */
async function temporarySystem(given: Environment): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-walkthrough-'))
  const environment = {
    ...given,
    NODE_ENV: 'development',
    DATA_DIR: folder,
    DATABASE_URL: undefined,
    LOG_LEVEL: given.LOG_LEVEL ?? 'warn',
    GATEWAY_PORT: '0',
    AUTH_PORT: '0',
    USERS_PORT: '0',
  }
  const processes = supervisor({ accessLog: false })
  const close = async () => {
    await processes.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const { urls } = await startSystem({ environment, supervisor: processes })
    return { urls, environment, close }
  } catch (cause) {
    await close()
    throw cause
  }
}
