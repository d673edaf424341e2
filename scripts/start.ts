/** `npm start`: the complete system for development, in one terminal. */
import { rm } from 'node:fs/promises'
import { readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { sameSignal } from '../subgraphs/kit/process/run-process.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'
import { keepComposed } from './compose/keep-composed.ts'
import { printReport } from './compose/report.ts'
import { heldLines } from './start/held-lines.ts'
import { startSystem } from './start/start-system.ts'
import { ProcessEnded, supervisor } from './start/supervisor.ts'
import { welcome } from './start/welcome.ts'

const usage = `
Usage: ${productCommand('start', '[options]')}

Composes the supergraph.yaml of the current folder (without one: the shipped one), then runs auth, users
and the gateway until Ctrl-C, and prints lines to try them with, if auth and users are in the supergraph.
Composes again when supergraph.yaml or a schema changes. For development: secrets, a signing key and an
account are made at the first start and kept under DATA_DIR. Open the address that is printed first in a browser:
there, logins in cookies (SESSION_COOKIES) and passkeys (PASSKEY_ORIGINS) work, unless these are set otherwise.

  --config FILE   the configuration of the gateway (default: the shipped one)
  --help          this text

Environment: HOST (127.0.0.1), GATEWAY_PORT (4000), AUTH_PORT (4001), USERS_PORT (4002), DATA_DIR (.data),
DATABASE_URL. Port 0 lets the system choose. The composed supergraph is kept in DATA_DIR while the system
runs; supergraph.graphql is left alone.
`

const productionWords = `\`${productCommand('start')}\` is for development: it makes secrets and an account. In production
run each process by itself, with its own secrets:
  ${productCommand('auth')}
  ${productCommand('users')}
  ${productCommand('gateway', '--supergraph supergraph.graphql --config gateway.yaml')}
Each lists the settings that it needs if one is missing, and with --help.`

runCommand('start', async () => {
  const { values } = readCommandLine({ usage, options: { config: { type: 'string' } } })
  if (process.env.NODE_ENV === 'production') throw new StartFailure(productionWords)

  const output = heldLines(process.stdout)
  const processes = supervisor({ output: output.lines })
  let composed: string | undefined
  let stopComposing = () => {}
  const signalled = new Promise<'signalled'>((resolve) => {
    let first: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        first ??= performance.now()
        resolve('signalled')
        if (performance.now() - first > sameSignal) processes.kill()
      })
    }
  })
  try {
    await Promise.race([signalled, run()])
    return 0
  } catch (cause) {
    return report(cause)
  } finally {
    stopComposing()
    output.release()
    await processes.stop()
    if (composed !== undefined) await rm(composed, { force: true })
  }

  /** Never returns: it rejects when a process ends. */
  async function run(): Promise<never> {
    const { urls, supergraph } = await startSystem({
      environment: process.env,
      config: values.config,
      supervisor: processes,
    })
    composed = supergraph.output
    console.log(welcome(urls.gateway, supergraph.composed.subgraphs))
    output.release()
    stopComposing = await keepComposed({
      ...supergraph,
      onReport: (report) => printReport(report, 'text'),
      onFailure: (line) => console.error(`start: ${line}`),
    })
    return processes.anyEnded
  }
})

/** A process that could not start has printed the reason itself. */
function report(cause: unknown): number {
  if (!(cause instanceof ProcessEnded)) throw cause
  if (!cause.explained) console.error(`start: ${cause.message}; the others are stopped`)
  return 1
}
