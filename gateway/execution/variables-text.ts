/** Returns the JSON text of the client's variables of these names: `,"name":value` for each. */
export function variablesText(
  variables: Readonly<Record<string, unknown>>,
  names: Iterable<string>,
): string {
  let text = ''
  for (const name of names) {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined
    if (value !== undefined) text += `,${JSON.stringify(name)}:${JSON.stringify(value)}`
  }
  return text
}
