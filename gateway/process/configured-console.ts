import type { ExplainTo } from '../authorization/may-explain.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'

export interface ConsoleSettings {
  readonly config: Pick<GatewayConfig, 'console' | 'authorization'>
  /** Undefined: as in production. */
  readonly production?: boolean | undefined
}

/** What the configuration says of the page and of explanations. */
export interface ConfiguredConsole {
  /** Whether the page is shown. */
  readonly shows: boolean
  readonly explainTo: ExplainTo
}

/** Returns who may see the page and have decisions explained: in development, everybody. */
export function configuredConsole({ config, production }: ConsoleSettings): ConfiguredConsole {
  const { console: setting = production === false ? 'on' : 'off', authorization } = config
  if (setting === 'on') return { shows: true, explainTo: 'everyone' }
  const { explainScope } = authorization
  const scopes = explainScope === undefined ? [] : [explainScope]
  if (setting === 'off') return { shows: false, explainTo: scopes }
  return { shows: true, explainTo: [...scopes, setting.scope] }
}
