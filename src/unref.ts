/** Lets a Node process end though this timer is set; in a browser a timer is a number, and nothing happens. */
export function unref(timer: unknown): void {
  ;(timer as { unref?: () => void } | undefined)?.unref?.()
}
