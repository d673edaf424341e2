import { z } from 'zod'
import { authenticationSchema } from './authentication.ts'
import { authorizationSchema } from './authorization.ts'
import { claimsSchema } from './claims.ts'
import { consoleSchema } from './console.ts'
import { httpSchema } from './http.ts'
import { limitsSchema } from './limits.ts'
import { metricsSchema } from './metrics.ts'
import { operationsSchema } from './operations.ts'
import { ratesSchema } from './rates.ts'
import { subgraphsSchema } from './subgraphs.ts'
import { subscriptionsSchema } from './subscriptions.ts'
import { supergraphSchema } from './supergraph.ts'
import { telemetrySchema } from './telemetry.ts'
import { wholeNumber } from './values.ts'
import { warmUpSchema } from './warm-up.ts'

/** gateway.yaml, section by section. */
export const configSchema = z.strictObject({
  authentication: authenticationSchema,
  claims: claimsSchema,
  authorization: authorizationSchema,
  supergraph: supergraphSchema,
  subgraphs: subgraphsSchema,
  subscriptions: subscriptionsSchema,
  http: httpSchema,
  limits: limitsSchema,
  operations: operationsSchema,
  rates: ratesSchema,
  metrics: metricsSchema,
  telemetry: telemetrySchema,
  warm_up: warmUpSchema,
  console: consoleSchema,
  engine: z
    .enum(['native', 'apollo'])
    .default('native')
    .describe(
      'What executes operations. native: our own executor; apollo: the one of @apollo/gateway',
    ),
  workers: z
    .union(
      [z.literal('auto'), wholeNumber({ least: 1, most: 256 })],
      'expected auto, or a whole number from 1 to 256',
    )
    .default(1)
    .describe('How many processes serve requests; auto: one per core'),
})

/** The configuration as the code uses it: checked, with every default filled in. */
export type GatewayConfig = z.output<typeof configSchema>
