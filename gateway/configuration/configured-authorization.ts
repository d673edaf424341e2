import type { AuthorizationOptions } from '../authorization/authorization-options.ts'
import type { GatewayConfig } from './gateway-config.ts'

const introspection = { allow: 'on', refuse: 'off' } as const

/** Returns `authorization:` of gateway.yaml as options of the authorization stage. */
export function configuredAuthorization({ authorization }: GatewayConfig): AuthorizationOptions {
  const { introspection: mode } = authorization
  return {
    ...authorization,
    introspection: mode === 'allow' || mode === 'refuse' ? introspection[mode] : mode,
  }
}
