"""Write the students' notebooks and the instructor's edition: `make student`."""

from tools.editions.student import TOP, write

if __name__ == "__main__":
    for path in write(TOP / "_build"):
        print(path)
