/** The reference engine: @apollo/gateway plans and executes; each fetch goes through our data source. */
import { ApolloGateway } from '@apollo/gateway'
import type { GraphQLDataSource } from '@apollo/gateway'
import type { Logger } from 'pino'
import type { ClientRequest } from '../client-request.ts'

export interface ApolloEngineParts {
  supergraphSdl: string
  dataSource: (subgraph: string) => GraphQLDataSource<ClientRequest>
  log: Logger
}

/** Returns an engine that Apollo Server takes as its gateway. */
export function apolloEngine({ supergraphSdl, dataSource, log }: ApolloEngineParts): ApolloGateway {
  // Without this, the constructor starts an hourly export of figures to the library's vendor.
  process.env.APOLLO_TELEMETRY_DISABLED = 'true'
  return new ApolloGateway({
    supergraphSdl,
    buildService: ({ name }) => dataSource(name),
    logger: quiet(log),
    __exposeQueryPlanExperimental: false,
  })
}

/** The library's "info" tells of its own phases: for us that is detail. */
function quiet(log: Logger) {
  return {
    debug: (message?: unknown) => log.trace(message),
    info: (message?: unknown) => log.debug(message),
    warn: (message?: unknown) => log.warn(message),
    error: (message?: unknown) => log.error(message),
  }
}
