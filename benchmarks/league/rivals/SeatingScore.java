package league;

import ai.timefold.solver.core.api.score.buildin.hardmediumsoftlong.HardMediumSoftLongScore;
import ai.timefold.solver.core.api.score.calculator.IncrementalScoreCalculator;
import java.util.Arrays;

/**
 * The score, kept up to date: a change of one seat costs the slots it touches, not the problem.
 */
public class SeatingScore
        implements IncrementalScoreCalculator<Seating, HardMediumSoftLongScore> {
    private Seating.Facts f;

    /** Of each slot: its units, in no order, and what they are and have together. */
    private int[][] members;

    private int[] count;
    private int[] size;
    private long[] own;
    private long[] banned;
    private long[][] totals;

    /** Of each slot: whether it is a group, its worth, what it breaks, how far it is begun. */
    private boolean[] opened;

    private long[] worth;
    private long[] flaws;
    private long[] begun;

    /** Of all slots together. */
    private int[] groups;

    private long[] used;
    private long missing;
    private long value;
    private long inner;
    private long waiting;

    @Override
    public void resetWorkingSolution(Seating solution) {
        f = solution.facts;
        int n = f.kindOf.length;
        members = new int[n][4];
        count = new int[n];
        size = new int[n];
        own = new long[n];
        banned = new long[n];
        totals = new long[n][f.resources];
        opened = new boolean[n];
        worth = new long[n];
        flaws = new long[n];
        begun = new long[n];
        groups = new int[f.low.length];
        used = new long[f.limit.length];
        missing = value = inner = waiting = 0;
        for (boolean must : f.must) if (must) missing++;
        for (int s = 0; s < n; s++) if (f.pinnedUnit[s] >= 0) change(f.pinnedUnit[s], s, 1);
        for (Seating.Seat seat : solution.seats)
            if (seat.slot != null) change(seat.unit, seat.slot, 1);
    }

    @Override
    public void beforeVariableChanged(Object entity, String name) {
        Seating.Seat seat = (Seating.Seat) entity;
        if (seat.slot != null) change(seat.unit, seat.slot, -1);
    }

    @Override
    public void afterVariableChanged(Object entity, String name) {
        Seating.Seat seat = (Seating.Seat) entity;
        if (seat.slot != null) change(seat.unit, seat.slot, 1);
    }

    // Units neither come nor go.

    @Override
    public void beforeEntityAdded(Object entity) {}

    @Override
    public void afterEntityAdded(Object entity) {}

    @Override
    public void beforeEntityRemoved(Object entity) {}

    @Override
    public void afterEntityRemoved(Object entity) {}

    @Override
    public HardMediumSoftLongScore calculateScore() {
        long broken = inner + 1000 * missing;
        for (int k = 0; k < groups.length; k++) {
            broken += 1000L * Math.max(0, groups[k] - f.maxGroups[k]);
            broken += 1000L * Math.max(0, f.minGroups[k] - groups[k]);
        }
        for (int t = 0; t < used.length; t++)
            broken += over(used[t] - f.limit[t], Math.abs(f.limit[t]));
        return HardMediumSoftLongScore.of(-broken, value, waiting);
    }

    /**
     * What an excess costs, in thousandths: something at once, and its share of the whole. The
     * share is capped, so that no sum of costs leaves the range of long.
     */
    private static long over(long excess, long whole) {
        if (excess <= 0) return 0;
        return 300 + (long) Math.min(1e12, 1000.0 * excess / Math.max(1, whole));
    }

    /** A unit enters a slot (sign 1) or leaves it (sign -1). */
    private void change(int u, int s, int sign) {
        int k = f.kindOf[s];
        tell(s, k, -1);
        if (sign < 0) drop(u, s);
        meet(u, s, k, sign);
        if (sign > 0) add(u, s);
        size[s] += sign * f.sizes[u];
        for (int r = 0; r < f.resources; r++)
            totals[s][r] += sign * f.amounts[u * f.resources + r];
        weigh(s, k);
        tell(s, k, 1);
    }

    private void add(int u, int s) {
        if (count[s] == members[s].length) members[s] = Arrays.copyOf(members[s], 2 * count[s]);
        members[s][count[s]++] = u;
    }

    private void drop(int u, int s) {
        int at = 0;
        while (members[s][at] != u) at++;
        members[s][at] = members[s][--count[s]];
    }

    /** What a unit brings to the others in a slot, or takes with it: values and bans. */
    private void meet(int u, int s, int k, int sign) {
        own[s] += sign * f.own[k][u];
        if (!f.fits[k][u]) banned[s] += sign;
        for (int i = 0; i < count[s]; i++) {
            int at =
                    Arrays.binarySearch(f.partner, f.start[u], f.start[u + 1], members[s][i]);
            if (at < 0) {
                if (f.absentBanned) banned[s] += sign;
                continue;
            }
            int pair = f.pairAt[at];
            own[s] += sign * f.pairValue[k][pair];
            if (!f.pairOpen[k][pair]) banned[s] += sign;
        }
    }

    /** Whether a slot is a group, what it is worth and what it breaks. */
    private void weigh(int s, int k) {
        long lack = over(f.low[k] - size[s], f.low[k]);
        long flaw = 1000 * banned[s] + over(size[s] - f.high[k], size[s]);
        for (int r = 0; r < f.resources; r++) {
            long total = totals[s][r];
            if (total < f.least[k][r]) lack += over(f.least[k][r] - total, f.least[k][r]);
            if (total > f.most[k][r]) flaw += over(total - f.most[k][r], total);
        }
        // A pinned group is one, whatever it lacks.
        boolean pinned = f.pinnedUnit[s] >= 0;
        opened[s] = pinned || (lack == 0 && size[s] > 0);
        flaws[s] = pinned ? flaw + lack : flaw;
        begun[s] = opened[s] ? 0 : (long) size[s] * (size[s] - 1);
        worth[s] = opened[s] ? worthOf(s, k) : 0;
    }

    private long worthOf(int s, int k) {
        long sum = own[s] + f.openValue[k];
        for (int r = 0; r < f.resources; r++)
            if (f.curves[k][r] != null) sum += curve(f.curves[k][r], totals[s][r]);
        return sum;
    }

    /** Of two points at one place the later holds. */
    private static long curve(long[][] c, long total) {
        int at = c[0].length - 1;
        while (c[0][at] > total) at--;
        return c[1][at] + c[2][at] * (total - c[0][at]);
    }

    /** Add to what is counted of all slots what one has, or take it away. */
    private void tell(int s, int k, int sign) {
        value += sign * worth[s];
        inner += sign * flaws[s];
        waiting += sign * begun[s];
        if (!opened[s]) return;
        groups[k] += sign;
        for (int t = 0; t < used.length; t++) used[t] += sign * f.groupUse[k][t];
        for (int i = 0; i < count[s]; i++) {
            int u = members[s][i];
            if (f.must[u]) missing -= sign;
            int row = (u * groups.length + k) * used.length;
            for (int t = 0; t < used.length; t++) used[t] += sign * f.use[row + t];
        }
    }
}
