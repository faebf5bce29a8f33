/** How much of the rejected log each sender may fill, and all together. */
export interface RejectedQuota {
  /**
   * Counts the bytes as the sender's where there is room. A sender that is below its share is given room for the
   * message whole, so that no message is too large for ever.
   */
  take(sender: string, bytes: number): "taken" | "sender_full" | "log_full";
  /** Counts what is kept already. */
  holds(sender: string, bytes: number): void;
  /** What was kept of the sender was forgotten before its time. */
  emptied(sender: string): void;
}

export interface RejectedQuotaOptions {
  readonly bytesMax: number;
  readonly bytesPerSenderMax: number;
  /** What is kept is forgotten after so long: a share empties at that speed. */
  readonly retentionMs: number;
  readonly nowMs: () => number;
}

/** Senders that are told apart; those beyond share one share. */
const sendersMax = 100_000;
const others = "";
/** The last tenth of the whole is for those that hold less than this. */
const smallSenderBytesMax = 65_536;
const shareOfMany = 0.9;

/** Looking through all of them takes some milliseconds. */
const forgetEveryMs = 60_000;

interface Share {
  bytes: number;
  atMs: number;
}

/**
 * A share fills with what is refused of a sender, and empties evenly within the time that refused messages are kept.
 */
export function rejectedQuota(options: RejectedQuotaOptions): RejectedQuota {
  const { bytesMax, bytesPerSenderMax, retentionMs, nowMs } = options;
  const whole: Share = { bytes: 0, atMs: nowMs() };
  const shares = new Map<string, Share>();
  let forgottenAtMs = Number.NEGATIVE_INFINITY;

  function emptied(share: Share, max: number): Share {
    const now = nowMs();
    const passedMs = Math.max(0, now - share.atMs);
    share.bytes = Math.max(0, share.bytes - (passedMs / retentionMs) * max);
    share.atMs = now;
    return share;
  }

  function forgetEmpty(): void {
    if (nowMs() - forgottenAtMs < forgetEveryMs) return;
    forgottenAtMs = nowMs();
    for (const [sender, share] of shares) if (emptied(share, bytesPerSenderMax).bytes === 0) shares.delete(sender);
  }

  function shareOf(sender: string): Share {
    const known = shares.get(sender);
    if (known !== undefined) return emptied(known, bytesPerSenderMax);
    if (shares.size === sendersMax) forgetEmpty();
    if (shares.size >= sendersMax && sender !== others) return shareOf(others);
    const share = { bytes: 0, atMs: nowMs() };
    shares.set(sender, share);
    return share;
  }

  function add(share: Share, bytes: number): void {
    share.bytes += bytes;
    emptied(whole, bytesMax).bytes += bytes;
  }

  return {
    take(sender, bytes) {
      const share = shareOf(sender);
      if (share.bytes >= bytesPerSenderMax) return "sender_full";
      const room =
        share.bytes < Math.min(smallSenderBytesMax, bytesPerSenderMax / 2) ? bytesMax : bytesMax * shareOfMany;
      if (emptied(whole, bytesMax).bytes >= room) return "log_full";
      add(share, bytes);
      return "taken";
    },
    holds: (sender, bytes) => add(shareOf(sender), bytes),
    emptied(sender) {
      const share = shares.get(sender);
      if (share === undefined) return;
      const all = emptied(whole, bytesMax);
      all.bytes = Math.max(0, all.bytes - emptied(share, bytesPerSenderMax).bytes);
      shares.delete(sender);
    },
  };
}
