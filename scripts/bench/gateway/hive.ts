/** A contender: Hive Gateway, with each of its two planners. */
import { fork } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withAuthorization, withoutAuthorization } from './contender.ts'
import { memoryEnvironment } from '../../../gateway/process/memory-settings.ts'
import type { Contender } from './contender.ts'
import { freePort, nodeOptions, runningNode, untilResponding } from './contender-process.ts'
import type { BenchSetting } from './setting.ts'

/**
 * Returns Hive Gateway as two contenders: with authorization for the operations that need it, and
 * without for all others, which it then executes faster.
 */
export function hive(name: string, peers: string, withRustPlanner: boolean): Contender[] {
  return [false, true].map((authorizes) => {
    const executes = authorizes ? withAuthorization : withoutAuthorization
    return {
      name,
      executes,
      async start(setting) {
        const program = join(peers, 'node_modules/@graphql-hive/gateway/dist/bin.js')
        if (!existsSync(program)) return undefined
        const port = await freePort()
        const variant = `${withRustPlanner ? 'rust' : 'javascript'}${authorizes ? '-authorizing' : ''}`
        const config = join(peers, `gateway-${variant}.config.ts`)
        writeFileSync(config, hiveConfig(setting, { withRustPlanner, authorizes }))
        const supergraph = authorizes ? setting.guardedSupergraph : setting.supergraph
        const options = ['--port', String(port), '--host', '127.0.0.1', '--fork', '1']
        const child = fork(program, ['supergraph', supergraph, '-c', config, ...options], {
          cwd: peers,
          execArgv: nodeOptions,
          env: { ...process.env, ...memoryEnvironment, NODE_ENV: 'production', LOG_LEVEL: 'error' },
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        })
        const url = `http://127.0.0.1:${port}/graphql`
        await untilResponding(url, child)
        return runningNode({ name, executes }, url, child)
      },
    }
  })
}

function hiveConfig(
  { issuer, jwksUri, audience }: BenchSetting,
  { withRustPlanner, authorizes }: { withRustPlanner: boolean; authorizes: boolean },
): string {
  const authorization = `genericAuth: {
    mode: 'protect-granular',
    resolveUserFn: (context) => context.jwt?.payload,
    rejectUnauthenticated: false,
  },`
  return `import { createRemoteJwksSigningKeyProvider, defineConfig, extractFromHeader } from '@graphql-hive/gateway'
${withRustPlanner ? "import { unifiedGraphHandler } from '@graphql-hive/router-runtime'" : ''}
export const gatewayConfig = defineConfig({
  ${withRustPlanner ? 'unifiedGraphHandler,' : ''}
  ${authorizes ? authorization : ''}
  logging: 'error',
  graphqlEndpoint: '/graphql',
  jwt: {
    signingKeyProviders: [createRemoteJwksSigningKeyProvider({ jwksUri: '${jwksUri}' })],
    tokenLookupLocations: [extractFromHeader({ name: 'authorization', prefix: 'Bearer' })],
    tokenVerification: { issuer: '${issuer}', audience: '${audience}', algorithms: ['ES256'] },
    reject: { missingToken: true, invalidToken: true },
    forward: false,
  },
  propagateHeaders: {
    fromClientToSubgraphs: ({ context }) => ({ 'x-user-id': context.jwt?.payload?.sub ?? '' }),
  },
})
`
}
