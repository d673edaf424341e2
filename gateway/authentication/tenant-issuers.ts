/** An issuer with many tenants, of which each writes its own name into `iss`. */

/** What stands for a tenant in the name of an issuer, as in the metadata of Entra ID. */
export const tenantPlace = '{tenantid}'

/** Returns every `iss` of an issuer: one per tenant, or its name where it has no tenants. */
export function tenantIssuers({
  issuer,
  tenants,
}: {
  readonly issuer: string
  readonly tenants?: readonly string[] | undefined
}): string[] {
  return tenants ? tenants.map((tenant) => issuer.replaceAll(tenantPlace, () => tenant)) : [issuer]
}
