/**
 * The health check of the image, which needs no shell: exits with 0 when the process on this port of the
 * container is ready, otherwise with 1.
 *
 *   node deploy/ready.mjs 4000
 */
const [, , port = '4000'] = process.argv
try {
  const response = await fetch(`http://127.0.0.1:${port}/ready`, {
    signal: AbortSignal.timeout(4000),
  })
  if (!response.ok) console.log(await response.text())
  process.exitCode = response.ok ? 0 : 1
} catch (cause) {
  console.log(`nothing responds on port ${port} (${cause.cause?.code ?? cause.name})`)
  process.exitCode = 1
}
