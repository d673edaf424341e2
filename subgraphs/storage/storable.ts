/**
 * Returns a parameter as both databases can hold it: in a text, the replacement character stands for NUL,
 * which PostgreSQL refuses and at which some functions of SQLite stop reading. So a text with it is found
 * nowhere, and is no error of ours.
 */
export function storable(parameter: unknown): unknown {
  return typeof parameter === 'string' && parameter.includes('\0')
    ? parameter.replaceAll('\0', '\ufffd')
    : parameter
}
