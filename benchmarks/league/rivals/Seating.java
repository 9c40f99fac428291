package league;

import ai.timefold.solver.core.api.domain.entity.PlanningEntity;
import ai.timefold.solver.core.api.domain.lookup.PlanningId;
import ai.timefold.solver.core.api.domain.solution.PlanningEntityCollectionProperty;
import ai.timefold.solver.core.api.domain.solution.PlanningScore;
import ai.timefold.solver.core.api.domain.solution.PlanningSolution;
import ai.timefold.solver.core.api.domain.solution.ProblemFactProperty;
import ai.timefold.solver.core.api.domain.valuerange.ValueRangeProvider;
import ai.timefold.solver.core.api.domain.variable.PlanningVariable;
import ai.timefold.solver.core.api.score.buildin.hardmediumsoftlong.HardMediumSoftLongScore;
import java.util.ArrayList;
import java.util.List;

/**
 * The grouping problem as Timefold sees it: units of items choose slots.
 *
 * <p>A <em>unit</em> is a set of items that are always together. A <em>slot</em> is a place for one
 * group of one kind: first one slot a pinned group, which holds that group's unit from the start,
 * then for each kind as many as groups of it may be opened. Every free unit is a planning entity
 * with one planning variable, the slot it is in; none means that its items stay outside.
 *
 * <p>The score, which {@link SeatingScore} counts, has three levels:
 *
 * <ul>
 *   <li>hard: how much the rules are broken, negated; 0 where all are kept. Each broken rule costs
 *       something, and more the further it is from being kept, in thousandths.
 *   <li>medium: the objective, exactly as the problem defines it.
 *   <li>soft: how far groups are begun, as the number of ordered pairs of items that wait together
 *       in a slot that is no group yet.
 * </ul>
 *
 * <p>A slot with fewer items or less of a resource than its kind asks for is no group yet: it is
 * worth nothing, breaks nothing but what its members break among each other, and its items count as
 * outside. Timefold moves one unit or exchanges two, so that a group comes into being one unit at a
 * time; were every short slot a broken rule, there would be no way to a new group but through
 * infeasible states, and the construction heuristic would open none. The soft level makes it worth
 * while to put a unit beside others that wait.
 */
@PlanningSolution
public class Seating {

    /** What the problem says, in units. Tables by unit are flat, row after row. */
    public static class Facts {
        /** Of each slot its kind. */
        public int[] kindOf;

        /** Of each slot the unit of its pin, -1 where it has none. */
        public int[] pinnedUnit;

        /** Of each unit how many items it has. */
        public int[] sizes;

        /** Of each unit whether one of its items must join. */
        public boolean[] must;

        /** [kind][unit]: whether a unit may be in a group of a kind. */
        public boolean[][] fits;

        /** [kind][unit]: what a unit by itself is worth there. */
        public long[][] own;

        /** Where the partners of each unit begin; those of the next follow. */
        public int[] start;

        /** Units that the problem says something about beside a unit, ascending. */
        public int[] partner;

        /** Beside each partner the number of the pair. */
        public int[] pairAt;

        /** Whether two units that are no partners may not be in one group. */
        public boolean absentBanned;

        /** [kind][pair]: whether two units may be in one group of a kind. */
        public boolean[][] pairOpen;

        /** [kind][pair]: what they are worth there. */
        public long[][] pairValue;

        /** Of each kind the value of a group as such. */
        public long[] openValue;

        /** Of each kind the least and the greatest size of a group, in items. */
        public int[] low;

        public int[] high;

        /** Of each kind how many groups there must be and may be. */
        public int[] minGroups;

        public int[] maxGroups;

        /** How many resources have a bound or a curve. */
        public int resources;

        /** [unit * resources + resource]: what a unit brings. */
        public long[] amounts;

        /** [kind][resource]: bounds on a group's total; 0 and Long.MAX_VALUE say nothing. */
        public long[][] least;

        public long[][] most;

        /** [kind][resource]: breakpoints, values there and slopes after them, or null. */
        public long[][][][] curves;

        /** Of each shared limit the most that all groups may use. */
        public long[] limit;

        /** [kind][limit]: what a group uses as such. */
        public long[][] groupUse;

        /** [(unit * kinds + kind) * limits + limit]: what a unit in a group of a kind uses. */
        public long[] use;
    }

    /** A unit that chooses its slot. */
    @PlanningEntity
    public static class Seat {
        @PlanningId public Integer unit;

        @PlanningVariable(allowsUnassigned = true, valueRangeProviderRefs = "slots")
        public Integer slot;

        /** For Timefold, which copies seats. */
        public Seat() {}

        public Seat(int unit) {
            this.unit = unit;
        }
    }

    @ProblemFactProperty public Facts facts;

    @ValueRangeProvider(id = "slots")
    public List<Integer> slots;

    @PlanningEntityCollectionProperty public List<Seat> seats;
    @PlanningScore public HardMediumSoftLongScore score;

    /** For Timefold, which copies solutions. */
    public Seating() {}

    /** Nobody seated: the slots that may be chosen, and the units that choose. */
    public Seating(Facts facts, int[] slots, int[] units) {
        this.facts = facts;
        this.slots = new ArrayList<>();
        for (int slot : slots) this.slots.add(slot);
        this.seats = new ArrayList<>();
        for (int unit : units) seats.add(new Seat(unit));
    }

    /** The slot of each seat, -1 for none. */
    public int[] chosen() {
        int[] found = new int[seats.size()];
        for (int i = 0; i < found.length; i++) {
            Integer slot = seats.get(i).slot;
            found[i] = slot == null ? -1 : slot;
        }
        return found;
    }

    /** The levels of the score of such a choice, counted from nothing: for tests. */
    public long[] scored(int[] chosen) {
        for (int i = 0; i < chosen.length; i++)
            seats.get(i).slot = chosen[i] < 0 ? null : Integer.valueOf(chosen[i]);
        SeatingScore calculator = new SeatingScore();
        calculator.resetWorkingSolution(this);
        HardMediumSoftLongScore found = calculator.calculateScore();
        return new long[] {found.hardScore(), found.mediumScore(), found.softScore()};
    }
}
