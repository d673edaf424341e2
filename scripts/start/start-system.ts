/** Starts the complete system on this machine: auth, users and the gateway, with the composed supergraph. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { shippedFile } from '../../gateway/configuration/shipped-config.ts'
import { memoryEnvironment, withServingOptions } from '../../gateway/process/memory-settings.ts'
import { makeFolder } from '../../subgraphs/kit/process/make-folder.ts'
import { requireOptionalPackages } from '../../subgraphs/kit/process/optional-packages.ts'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { developmentAccount } from '../../subgraphs/auth/accounts/development-account.ts'
import { developmentIssuer } from '../../subgraphs/auth/settings.ts'
import { composeSupergraph } from '../compose/compose-supergraph.ts'
import type { Composition } from '../compose/compose-supergraph.ts'
import { writeComposition } from '../compose/compose-to-file.ts'
import type { ComposeOptions } from '../compose/compose-to-file.ts'
import type { ComposedOf } from '../compose/keep-composed.ts'
import { describeProblem, displayPath } from '../compose/problem.ts'
import { ownModule } from '../own-module.ts'
import type { Supervisor } from './supervisor.ts'
import { untilReady } from './until-ready.ts'

export interface SystemOptions {
  /** The settings of all three processes. */
  environment: Environment
  /** The configuration of the gateway; the shipped one if left out. */
  config?: string | undefined
  supervisor: Supervisor
}

/** The GraphQL URL of each process. */
export interface SystemUrls {
  readonly gateway: string
  readonly auth: string
  readonly users: string
}

export interface RunningSystem {
  readonly urls: SystemUrls
  /** The options for composing the gateway's supergraph again after changes. */
  readonly supergraph: ComposeOptions & { readonly composed: ComposedOf }
}

/**
 * Returns when the gateway can serve. Independent steps run in parallel. Throws a StartFailure for
 * problems that the operator has to correct, and a ProcessEnded if a process does not start.
 */
export async function startSystem({
  environment: given,
  config: gatewayConfig,
  supervisor,
}: SystemOptions): Promise<RunningSystem> {
  requireOptionalPackages()
  const settings = readSettings(given)
  const authPort = settings.port('AUTH_PORT', 4001)
  const portsAreKnown = authPort > 0 && settings.port('USERS_PORT', 4002) > 0
  const gatewayPort = settings.port('GATEWAY_PORT', 4000)
  settings.refuseProblems()
  // The gateway gets the port that the system chose for auth, which the issuer does not follow.
  const issuer = given.TOKEN_ISSUER || developmentIssuer(authPort)
  const environment = { ...forPages(given, gatewayPort), TOKEN_ISSUER: issuer }

  const start = (name: string, path: string) =>
    supervisor.start(name, { module: ownModule(path, import.meta.url), environment })
  const config = listOfSubgraphs()
  const auth = start('auth', '../../subgraphs/auth/main')
  const users = start('users', '../../subgraphs/users/main')
  const subgraphs = Promise.all([auth, users])
  const composing = portsAreKnown
    ? compose(config, environment)
    : subgraphs.then((urls) => compose(config, withPortsOf(urls, environment)))

  // Written only once the ports are ours: another system in this folder may be running on them.
  const [urls, composition] = await Promise.all([subgraphs, composing])
  const output = await fileFor(urls, settings.dataDirectory)
  const supergraph = { config, output, environment: withPortsOf(urls, environment) }
  const { sources } = await writeComposition(composition, supergraph)
  const gateway = await startGateway().catch(async (cause: unknown) => {
    await rm(output, { force: true })
    throw cause
  })
  return {
    urls: { gateway, auth: urls[0], users: urls[1] },
    supergraph: { ...supergraph, composed: { ...sources, since: composition.since } },
  }

  async function startGateway(): Promise<string> {
    const module = ownModule('../../gateway/main', import.meta.url)
    const url = await supervisor.start('gateway', {
      module: { ...module, execArgv: withServingOptions(module.execArgv) },
      words: ['--supergraph', output, ...(gatewayConfig ? ['--config', gatewayConfig] : [])],
      environment: {
        ...memoryEnvironment,
        ...(composition.subgraphs.includes('auth') ? { CONSOLE_ACCOUNT: accountOfPage } : {}),
        ...supergraph.environment,
      },
    })
    await untilReady(url)
    return url
  }
}

/** Returns the environment in which the page of the gateway can use cookies and passkeys. */
function forPages(given: Environment, gatewayPort: number): Environment {
  const cookies = { ...given, SESSION_COOKIES: given.SESSION_COOKIES || 'on' }
  // Of a port that the system chooses, auth cannot know.
  if (gatewayPort === 0 || given.PASSKEY_ORIGINS || given.PASSKEY_DOMAIN) return cookies
  return { ...cookies, PASSKEY_ORIGINS: `http://localhost:${gatewayPort}` }
}

/** auth has made it at its first start. */
const accountOfPage = `${developmentAccount.username}:${developmentAccount.password}`

/** Returns the list of subgraphs in the current folder; where there is none, the shipped one. */
function listOfSubgraphs(): string {
  const own = 'supergraph.yaml'
  return existsSync(own) ? own : shippedFile(own)
}

async function compose(
  config: string,
  environment: Environment,
): Promise<Composition & { since: number }> {
  const since = Date.now()
  const composition = await composeSupergraph(config, environment)
  if (composition.outcome === 'composed') return { ...composition, since }
  const errors = composition.errors.map((error) => `\n${describeProblem('error', error)}`).join('')
  throw new StartFailure(
    `${displayPath(config)} does not compose; correct this and start again:${errors}`,
  )
}

type SubgraphUrls = readonly [auth: string, users: string]

function withPortsOf([auth, users]: SubgraphUrls, environment: Environment): Environment {
  return { ...environment, AUTH_PORT: new URL(auth).port, USERS_PORT: new URL(users).port }
}

/**
 * Returns the file of the supergraph with these URLs, in the data folder: `supergraph.graphql` is not
 * overwritten, and systems at other addresses have their own files.
 */
async function fileFor(urls: SubgraphUrls, dataDirectory: string): Promise<string> {
  try {
    makeFolder(dataDirectory)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new StartFailure(
      `the folder ${dataDirectory} cannot be created (${code}): choose another with DATA_DIR`,
      { cause },
    )
  }
  const [auth, users] = urls.map((url) => new URL(url)) as [URL, URL]
  const host = auth.hostname.replaceAll(/[^\w.]+/g, '-')
  return join(dataDirectory, `supergraph-${host}-${auth.port}-${users.port}.graphql`)
}
