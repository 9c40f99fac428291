package league;

import ai.timefold.solver.core.api.solver.Solver;
import ai.timefold.solver.core.api.solver.SolverFactory;
import ai.timefold.solver.core.config.score.director.ScoreDirectorFactoryConfig;
import ai.timefold.solver.core.config.solver.SolverConfig;
import ai.timefold.solver.core.config.solver.termination.TerminationConfig;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One run of Timefold as it is configured by default, in a thread of its own: whoever waits for
 * it can tell better solutions as they come, without a call out of Java, and look at the clock.
 */
public class SeatingSearch {
    private final Solver<Seating> solver;
    private final Thread thread;
    private final AtomicReference<int[]> news = new AtomicReference<>();
    private volatile int[] result;
    private volatile Throwable failure;

    /** Ends after some milliseconds, or after some calculations of the score; 0 is no limit. */
    public SeatingSearch(Seating start, long seed, long milliseconds, long calculations) {
        TerminationConfig end = new TerminationConfig();
        if (milliseconds > 0) end.setMillisecondsSpentLimit(milliseconds);
        if (calculations > 0) end.setScoreCalculationCountLimit(calculations);
        ScoreDirectorFactoryConfig score = new ScoreDirectorFactoryConfig();
        score.setIncrementalScoreCalculatorClass(SeatingScore.class);
        SolverConfig config = new SolverConfig();
        config.setSolutionClass(Seating.class);
        config.setEntityClassList(List.of(Seating.Seat.class));
        config.setScoreDirectorFactoryConfig(score);
        config.setTerminationConfig(end);
        config.setRandomSeed(seed);
        solver = SolverFactory.<Seating>create(config).buildSolver();
        solver.addEventListener(
                event -> {
                    Seating best = event.getNewBestSolution();
                    if (best.score.hardScore() == 0) news.set(best.chosen());
                });
        thread = new Thread(() -> run(start), "timefold");
        // It does not keep the process from ending.
        thread.setDaemon(true);
        thread.start();
    }

    private void run(Seating start) {
        try {
            result = solver.solve(start).chosen();
        } catch (Throwable error) {
            failure = error;
        }
    }

    /** Wait for the end, but no longer than so many milliseconds; whether it has ended. */
    public boolean ended(long milliseconds) throws InterruptedException {
        thread.join(Math.max(1, milliseconds));
        return !thread.isAlive();
    }

    /** Ask it to end soon. */
    public void stop() {
        solver.terminateEarly();
    }

    /** The best feasible choice that has not been asked for, or null. */
    public int[] news() {
        return news.getAndSet(null);
    }

    /** The best choice at the end, feasible or not; null before, and where it failed. */
    public int[] result() {
        return result;
    }

    /** Why it failed, or null. */
    public Throwable failure() {
        return failure;
    }
}
