/** A time of the graph, as the reader of the page writes times. */

/** @param at in the format of RFC 3339; any other text is shown as it is */
export function Moment({ at }: { at: string }) {
  const milliseconds = Date.parse(at)
  if (Number.isNaN(milliseconds)) return <>{at}</>
  return (
    <time dateTime={at} title={at}>
      {format.format(milliseconds)}
    </time>
  )
}

const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
