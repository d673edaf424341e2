/** The whole system on this machine: auth, users and the gateway, with the supergraph composed. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { composeToFile } from '../compose/compose-to-file.ts'
import { describeProblem } from '../compose/problem.ts'
import { ownModule } from '../own-module.ts'
import type { Supervisor } from './supervisor.ts'
import { untilReady } from './until-ready.ts'

export interface SystemOptions {
  /** The settings of all three processes. */
  environment: Environment
  supervisor: Supervisor
}

/** Where each process answers GraphQL. */
export interface SystemUrls {
  readonly gateway: string
  readonly auth: string
  readonly users: string
}

/**
 * Returns when the gateway can serve. What can be done at the same time is. What an operator has to
 * mend is a StartFailure; a process that does not come up is a ProcessEnded.
 */
export async function startSystem({ environment, supervisor }: SystemOptions): Promise<SystemUrls> {
  const settings = readSettings(environment)
  const portsAreKnown =
    settings.port('AUTH_PORT', 4001) > 0 && settings.port('USERS_PORT', 4002) > 0
  settings.port('GATEWAY_PORT', 4000)
  settings.refuseProblems()

  const start = (name: string, path: string) =>
    supervisor.start(name, { module: ownModule(path, import.meta.url), environment })
  const auth = start('auth', '../../subgraphs/auth/main')
  const users = start('users', '../../subgraphs/users/main')
  const subgraphs = Promise.all([auth, users])
  const gateway = startGateway()
  const [[authUrl, usersUrl], gatewayUrl] = await Promise.all([subgraphs, gateway])
  await untilReady(gatewayUrl)
  return { gateway: gatewayUrl, auth: authUrl, users: usersUrl }

  async function startGateway(): Promise<string> {
    const withPorts = portsAreKnown ? environment : withPortsOf(await subgraphs, environment)
    const supergraph = portsAreKnown
      ? 'supergraph.graphql'
      : await privateSupergraph(settings.dataDirectory)
    await compose(supergraph, withPorts)
    const module = ownModule('../../gateway/main', import.meta.url)
    return supervisor.start('gateway', {
      module: { ...module, execArgv: ['--max-semi-space-size=64', ...module.execArgv] },
      words: ['--supergraph', supergraph],
      environment: withPorts,
    })
  }
}

const config = 'supergraph.yaml'

async function compose(output: string, environment: Environment): Promise<void> {
  const { report } = await composeToFile({ config, output, environment })
  if (report.outcome !== 'failed') return
  const errors = report.errors.map((error) => `\n${describeProblem('error', error)}`).join('')
  throw new StartFailure(`${config} does not compose; mend this and start again:${errors}`)
}

function withPortsOf([auth, users]: readonly [string, string], environment: Environment) {
  return { ...environment, AUTH_PORT: new URL(auth).port, USERS_PORT: new URL(users).port }
}

/**
 * Ports that the system chose are good for one run only: that supergraph is kept with the data, and
 * `supergraph.graphql` stays what `npm run compose` made of it.
 */
async function privateSupergraph(dataDirectory: string): Promise<string> {
  await mkdir(dataDirectory, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new StartFailure(
      `the folder ${dataDirectory} cannot be made (${cause.code}): choose another with DATA_DIR`,
      { cause },
    )
  })
  return join(dataDirectory, 'supergraph.graphql')
}
